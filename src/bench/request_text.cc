#include "bench/request_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "http/field.h"

namespace labcoat::bench {
namespace {

constexpr std::array<std::string_view, 6> idempotent = {"GET",    "HEAD",    "PUT",
                                                        "DELETE", "OPTIONS", "TRACE"};

bool has_header(const Target& target, std::string_view name) {
  return std::any_of(target.headers.begin(), target.headers.end(),
                     [&](const auto& header) { return http::same_name(header.first, name); });
}

void add_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

Status check_target(const Target& target) {
  if (!http::is_token(target.method)) {
    return fail("'" + target.method + "' is not an HTTP method; write a word such as GET or POST");
  }
  for (const auto& [name, value] : target.headers) {
    if (!http::is_token(name)) {
      return fail("'" + name + "' is not a header name; write -H 'Name: value'");
    }
    if (!http::is_field_value(value)) {
      return fail("the value of the header '" + name + "' has a control character in it");
    }
    if (http::same_name(name, "transfer-encoding")) {
      return fail(
          "the header Transfer-Encoding is not possible here: bodies are sent with a length");
    }
  }
  if (!(target.weight > 0) || !std::isfinite(target.weight)) {
    return fail("the weight of " + target.url.target + " must be above 0");
  }
  return {};
}

}  // namespace

Result<RequestText> format_request(const Target& target) {
  if (const Status status = check_target(target); !status) {
    return tl::unexpected<Error>(status.error());
  }
  RequestText out;
  out.head = target.method == "HEAD";
  out.safe_to_repeat =
      std::find(idempotent.begin(), idempotent.end(), target.method) != idempotent.end();
  out.bytes = target.method + " " + target.url.target + " HTTP/1.1\r\n";
  if (!has_header(target, "host")) add_field(out.bytes, "Host", target.url.authority());
  for (const auto& [name, value] : target.headers) add_field(out.bytes, name, value);
  // RFC 9110 section 8.6: a method that usually has a body says so even when the body is empty.
  const bool expects_body =
      target.method == "POST" || target.method == "PUT" || target.method == "PATCH";
  if ((expects_body || !target.body.empty()) && !has_header(target, "content-length")) {
    add_field(out.bytes, "Content-Length", std::to_string(target.body.size()));
  }
  out.bytes += "\r\n";
  out.bytes += target.body;
  return out;
}

Result<Mix> Mix::make(const std::vector<Target>& targets) {
  if (targets.empty()) return fail("there is no URL to load");
  const http::Url& first = targets.front().url;
  Mix mix;
  double sum = 0;
  for (const Target& target : targets) {
    if (target.url.scheme != first.scheme || target.url.host != first.host ||
        target.url.port != first.port) {
      return fail("all URLs of one run must go to the same server, but " + first.authority() +
                  " and " + target.url.authority() + " differ; run labcoat bench once for each");
    }
    auto text = format_request(target);
    if (!text) return tl::unexpected<Error>(text.error());
    sum += target.weight;
    mix.texts_.push_back(std::move(*text));
    mix.upto_.push_back(sum);
  }
  for (double& upto : mix.upto_) upto /= sum;
  return mix;
}

size_t Mix::choose(Random& random) const {
  if (texts_.size() == 1) return 0;
  const auto found = std::upper_bound(upto_.begin(), upto_.end(), random.uniform());
  return std::min(static_cast<size_t>(found - upto_.begin()), texts_.size() - 1);
}

}  // namespace labcoat::bench
