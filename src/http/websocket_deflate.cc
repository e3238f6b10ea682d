#include "http/websocket_deflate.h"

#include <algorithm>
#include <utility>

#include "http/framing.h"

namespace labcoat::http {
namespace {

// zlib cannot compress with a window of 8 bits when there is no header around.
constexpr int own_window_bits_min = 9;

struct Offer {
  bool server_forgets = false, client_forgets = false;
  int server_window_bits = 0;  // 0: not spoken of
  int client_window_bits = 0;  // 0: not spoken of; 15: the client leaves it to us
  bool good = true;
};

// Up to the separator, which is taken off as well. No value that is of use here has a separator in
// quotes.
std::string_view take_until(std::string_view& text, char separator) {
  const size_t end = text.find(separator);
  const std::string_view piece = text.substr(0, end);
  text = end == text.npos ? std::string_view() : text.substr(end + 1);
  return trim_ows(piece);
}

// 8 to 15, as digits or as quoted digits; 0: something else.
int window_bits(std::string_view value) {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
  }
  if (value == "8") return 8;
  if (value == "9") return 9;
  if (value.size() == 2 && value[0] == '1' && value[1] >= '0' && value[1] <= '5') {
    return 10 + (value[1] - '0');
  }
  return 0;
}

bool set_once(bool& flag, bool has_value) {
  return !has_value && !std::exchange(flag, true);
}

bool set_once(int& bits, std::string_view value) {
  if (bits != 0) return false;
  bits = window_bits(value);
  return bits != 0;
}

// False: unknown, repeated or with a wrong value; then the whole offer must be declined.
bool take_parameter(std::string_view text, Offer& offer) {
  const bool has_value = text.find('=') != text.npos;
  const std::string_view name = take_until(text, '=');
  const std::string_view value = trim_ows(text);
  if (same_name(name, "server_no_context_takeover"))
    return set_once(offer.server_forgets, has_value);
  if (same_name(name, "client_no_context_takeover"))
    return set_once(offer.client_forgets, has_value);
  if (same_name(name, "server_max_window_bits")) return set_once(offer.server_window_bits, value);
  if (!same_name(name, "client_max_window_bits")) return false;
  if (has_value) return set_once(offer.client_window_bits, value);
  return offer.client_window_bits == 0 && (offer.client_window_bits = 15, true);
}

Offer read_offer(std::string_view text) {
  Offer offer;
  offer.good = same_name(take_until(text, ';'), "permessage-deflate");
  while (offer.good && !text.empty()) offer.good = take_parameter(take_until(text, ';'), offer);
  return offer;
}

std::optional<DeflateAgreement> agree(const Offer& offer, DeflatePolicy policy) {
  if (!offer.good) return std::nullopt;
  DeflateAgreement out;
  const int asked = offer.server_window_bits == 0 ? 15 : offer.server_window_bits;
  out.server_window_bits = std::min(asked, policy.window_bits_max);
  if (out.server_window_bits < own_window_bits_min) return std::nullopt;
  out.server_forgets = offer.server_forgets || policy.forget;
  out.client_forgets = offer.client_forgets || policy.forget;
  out.answer = "permessage-deflate";
  if (out.server_forgets) out.answer += "; server_no_context_takeover";
  if (out.client_forgets) out.answer += "; client_no_context_takeover";
  if (offer.server_window_bits != 0) {
    out.answer += "; server_max_window_bits=" + std::to_string(out.server_window_bits);
  }
  if (offer.client_window_bits != 0) {
    out.client_window_bits = std::min(offer.client_window_bits, policy.window_bits_max);
    out.answer += "; client_max_window_bits=" + std::to_string(out.client_window_bits);
  }
  return out;
}

}  // namespace

std::optional<DeflateAgreement> agree_on_deflate(const RequestHead& head, DeflatePolicy policy) {
  for (size_t i = 0; i < head.field_count; ++i) {
    if (!same_name(head.fields[i].name, "sec-websocket-extensions")) continue;
    std::string_view offers = head.fields[i].value;
    while (!offers.empty()) {
      if (auto agreement = agree(read_offer(next_element(offers)), policy)) return agreement;
    }
  }
  return std::nullopt;
}

}  // namespace labcoat::http
