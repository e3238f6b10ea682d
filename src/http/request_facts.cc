#include "http/request_facts.h"

#include <cstring>
#include <type_traits>

#include "http/authority.h"

namespace labcoat::http {

namespace {

// `name` is a token as long as `lower`, which holds lower-case letters and '-'. Setting the bit
// that makes a letter small maps no other tchar on those. Compared in words that overlap.
template <size_t N>
bool is(std::string_view name, const char (&lower)[N]) {
  constexpr size_t size = N - 1;
  using Word = std::conditional_t<(size >= 8), uint64_t, uint32_t>;
  constexpr Word case_bits = static_cast<Word>(0x2020202020202020);
  for (size_t at = 0;; at += sizeof(Word)) {
    const size_t from = at + sizeof(Word) <= size ? at : size - sizeof(Word);
    Word a, b;
    std::memcpy(&a, name.data() + from, sizeof(Word));
    std::memcpy(&b, lower + from, sizeof(Word));
    if ((a | case_bits) != b) return false;
    if (from + sizeof(Word) == size) return true;
  }
}

}  // namespace

void RequestFacts::note_candidate(const Field& field) {
  switch (field.name.size()) {
    case 4:
      if (is(field.name, "host")) note_host(field.value);
      break;
    case 6:
      if (is(field.name, "expect")) note_expect(field.value);
      break;
    case 7:
      if (is(field.name, "upgrade")) upgrade_ = upgrade_ || !field.value.empty();
      break;
    case 10:
      if (is(field.name, "connection")) connection_.add(field.value);
      break;
    case 14:
      if (is(field.name, "content-length")) note_length(field.value);
      break;
    case 17:
      if (is(field.name, "transfer-encoding")) note_coding(field.value);
      break;
    default:
      break;
  }
}

void RequestFacts::note_host(std::string_view value) {
  if (host_) return refuse(400, "more than one Host");
  host_ = true;
  Authority authority;
  if (!parse_authority(value, authority)) return refuse(400, "Host is not a host and port");
  out_.host = value;
}

void RequestFacts::note_expect(std::string_view value) {
  do {
    if (!same_name(next_element(value), "100-continue")) return refuse(417, "unknown expectation");
  } while (!value.empty());
  out_.expect_continue = true;
}

// RFC 9110 section 8.6 would let "5, 5" and two equal fields pass as 5. Whoever sends that is
// broken or probing for a server in front of us that reads it differently.
void RequestFacts::note_length(std::string_view value) {
  if (out_.content_length >= 0) return refuse(400, "more than one Content-Length");
  out_.content_length = parse_length(value);
  if (out_.content_length < 0) refuse(400, "Content-Length is not a length");
}

void RequestFacts::note_coding(std::string_view value) {
  if (coding_) return refuse(400, "more than one Transfer-Encoding");
  coding_ = true;
  switch (parse_coding(value)) {
    case Coding::chunked:
      out_.chunked = true;
      return;
    case Coding::others:
    case Coding::then_chunked:
      return refuse(501, "transfer coding other than chunked");
    case Coding::malformed:
      return refuse(400, "chunked is repeated or not last, or Transfer-Encoding is malformed");
  }
}

Parsed RequestFacts::finish(std::string_view target_host) {
  const bool http_1_1 = out_.minor_version == 1;
  // An answer to one of these two would be a guess at where the next request starts: the stuff of
  // request smuggling.
  if (coding_ && !http_1_1) refuse(400, "Transfer-Encoding in HTTP/1.0");
  if (coding_ && out_.content_length >= 0) {
    refuse(400, "both Content-Length and Transfer-Encoding");
  }
  if (!host_ && http_1_1) refuse(400, "no Host");
  if (out_.status != 0) return Parsed::bad;

  if (!target_host.empty()) out_.host = target_host;
  out_.keep_alive = !connection_.close && (http_1_1 || connection_.keep_alive);
  // RFC 9110 sections 7.8 and 10.1.1: HTTP/1.0 knows neither, ignore both there.
  out_.upgrade = http_1_1 && connection_.upgrade && upgrade_;
  out_.expect_continue = http_1_1 && out_.expect_continue;
  return Parsed::done;
}

}  // namespace labcoat::http
