// parse_request: pieces and the whole lead to one verdict; what was read points into the input and
// says the same when it is written out and read again.
#include <string>

#include "base/check.h"
#include "fuzz_input.h"
#include "http/request.h"

using namespace labcoat::http;
using namespace labcoat::fuzz;

static const RequestLimits limits = {
    .target_bytes_max = 64, .header_bytes_max = 512, .fields_max = 8};

static Parsed parse(const ExactBytes& bytes, RequestHead& head, size_t& used, size_t& scanned) {
  const Parsed verdict = parse_request(bytes.view(), limits, head, used, scanned);
  CHECK(verdict != Parsed::bad || (head.status >= 400 && head.status <= 505 && head.why[0] != 0));
  CHECK(verdict != Parsed::need_more || bytes.view().size() <= limits.header_bytes_max);
  CHECK(verdict != Parsed::need_more || bytes.view().empty() == (scanned == 0));
  CHECK(verdict != Parsed::done || (used <= bytes.view().size() && scanned == 0));
  return verdict;
}

static void check_done(const ExactBytes& bytes, const RequestHead& head) {
  std::string text(head.method);
  text += ' ' + std::string(head.target) + " HTTP/1." + std::to_string(head.minor_version) + "\r\n";
  for (const auto view : {head.method, head.target, head.path}) CHECK(bytes.holds(view));
  CHECK(head.host.empty() ? head.minor_version == 0 : bytes.holds(head.host));
  CHECK(!head.has_query || bytes.holds(head.query));
  for (size_t i = 0; i < head.field_count; ++i) {
    CHECK(bytes.holds(head.fields[i].name) && is_token(head.fields[i].name));
    CHECK(bytes.holds(head.fields[i].value) && is_field_value(head.fields[i].value));
    text += std::string(head.fields[i].name) + ':' + std::string(head.fields[i].value) + "\r\n";
  }
  RequestHead again;
  size_t used, scanned = 0;
  CHECK(parse(ExactBytes(text + "\r\n"), again, used, scanned) == Parsed::done);
  CHECK(again.field_count == head.field_count && again.chunked == head.chunked);
  CHECK(again.content_length == head.content_length && again.keep_alive == head.keep_alive);
  CHECK(again.expect_continue == head.expect_continue && again.upgrade == head.upgrade);
  CHECK(!head.chunked || (head.content_length < 0 && head.minor_version == 1));
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  Cuts cuts(data[0]);
  size_t scanned = 0;
  for (size_t given = 0;; given = std::min(given + cuts.next(), input.size())) {
    const ExactBytes bytes(input.substr(0, given));
    RequestHead dripped, whole;
    size_t used = 0, used_whole = 0, from_start = 0;
    const Parsed verdict = parse(bytes, dripped, used, scanned);
    CHECK(verdict == parse(bytes, whole, used_whole, from_start));
    CHECK(verdict != Parsed::bad || dripped.status == whole.status);
    CHECK(verdict != Parsed::done || used == used_whole);
    if (verdict == Parsed::done) check_done(bytes, dripped);
    if (verdict != Parsed::need_more || given == input.size()) return 0;
  }
}
