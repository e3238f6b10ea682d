// Accept-Encoding, RFC 9110 section 12.5.3: which content codings a client takes, and how gladly.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace labcoat::http {

// The codings we have, in the order in which we like to send them: what is smaller goes first.
enum class ContentCoding : uint8_t { br, zstd, gzip, identity };
constexpr size_t content_codings = 4;

// As it stands in Content-Encoding: "br", "zstd", "gzip", "identity".
std::string_view name_of(ContentCoding coding);

struct AcceptedCodings {
  // Thousandths, by ContentCoding; 0: not wanted.
  std::array<uint16_t, content_codings> quality{0, 0, 0, 1000};

  bool accepts(ContentCoding coding) const { return quality[static_cast<size_t>(coding)] > 0; }
};

// Without the field (an empty value) only identity is taken, although the RFC would allow any: such
// clients are old or simple. What is malformed is as if it were not there; of a coding that is
// named twice the first counts.
AcceptedCodings parse_accept_encoding(std::string_view value);

// The most wanted of those with a bit (1 << coding) in `available`; among equals the one that
// stands first above. identity when none of them is wanted: better than no answer.
ContentCoding choose_coding(const AcceptedCodings& accepted, unsigned available);

}  // namespace labcoat::http
