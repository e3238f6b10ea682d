#include "http/accept_encoding.h"

#include <algorithm>

#include "http/field.h"
#include "http/framing.h"

namespace labcoat::http {
namespace {

constexpr std::string_view coding_names[content_codings] = {"br", "zstd", "gzip", "identity"};

// weight = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ), in thousandths; -1: malformed.
int parse_quality(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return -1;
  int value = (text[0] - '0') * 1000;
  text.remove_prefix(1);
  if (text.empty()) return value;
  if (text[0] != '.' || text.size() > 4) return -1;
  text.remove_prefix(1);
  int unit = 100;
  for (const char c : text) {
    if (c < '0' || c > '9') return -1;
    value += (c - '0') * unit;
    unit /= 10;
  }
  return value > 1000 ? -1 : value;
}

// The quality of "coding" or "coding;q=0.5" and its name; -1: malformed.
int parse_element(std::string_view element, std::string_view& name) {
  const size_t semicolon = element.find(';');
  name = trim_ows(element.substr(0, semicolon));
  if (!is_token(name)) return -1;
  if (semicolon == element.npos) return 1000;
  const std::string_view weight = trim_ows(element.substr(semicolon + 1));
  if (weight.size() < 2 || (weight[0] != 'q' && weight[0] != 'Q') || weight[1] != '=') return -1;
  return parse_quality(weight.substr(2));
}

size_t index_of(std::string_view name) {
  if (same_name(name, "x-gzip")) name = "gzip";  // RFC 9110 section 8.4.1.3
  const auto* const found =
      std::find_if(std::begin(coding_names), std::end(coding_names),
                   [&](std::string_view one) { return same_name(one, name); });
  return static_cast<size_t>(found - std::begin(coding_names));
}

}  // namespace

std::string_view name_of(ContentCoding coding) {
  return coding_names[static_cast<size_t>(coding)];
}

AcceptedCodings parse_accept_encoding(std::string_view value) {
  constexpr int unsaid = -1;
  std::array<int, content_codings> said{unsaid, unsaid, unsaid, unsaid};
  int star = unsaid;
  while (!value.empty()) {
    std::string_view name;
    const int quality = parse_element(next_element(value), name);
    if (quality < 0) continue;
    const size_t index = index_of(name);
    if (name == "*") {
      if (star == unsaid) star = quality;
    } else if (index < content_codings && said[index] == unsaid) {
      said[index] = quality;
    }
  }
  AcceptedCodings accepted;
  for (size_t i = 0; i < content_codings; ++i) {
    const int otherwise = star != unsaid ? star : accepted.quality[i];
    accepted.quality[i] = static_cast<uint16_t>(said[i] != unsaid ? said[i] : otherwise);
  }
  // Who says nothing of identity takes it, but likes what was asked for better.
  constexpr auto identity = static_cast<size_t>(ContentCoding::identity);
  if (said[identity] == unsaid && star == unsaid) accepted.quality[identity] = 1;
  return accepted;
}

ContentCoding choose_coding(const AcceptedCodings& accepted, unsigned available) {
  auto best = ContentCoding::identity;
  unsigned best_quality = accepted.quality[static_cast<size_t>(best)];
  for (size_t i = content_codings; i-- > 0;) {
    const unsigned quality = accepted.quality[i];
    if ((available >> i & 1) == 0 || quality == 0 || quality < best_quality) continue;
    best = static_cast<ContentCoding>(i);
    best_quality = quality;
  }
  return best;
}

}  // namespace labcoat::http
