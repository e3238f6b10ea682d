// parse_response: a beginning never says otherwise than the whole; what was read lies inside the
// input.
#include "base/check.h"
#include "fuzz_input.h"
#include "http/response.h"

using namespace labcoat::http;
using labcoat::fuzz::Cuts;
using labcoat::fuzz::ExactBytes;

static Parsed parse(const ExactBytes& bytes, ResponseHead& head, size_t& used) {
  const Parsed verdict = parse_response(bytes.view(), head, used);
  if (verdict != Parsed::done) return verdict;
  CHECK(used <= bytes.view().size() && head.status >= 100 && head.status <= 999);
  CHECK(head.fields.empty() || bytes.holds(head.fields));
  CHECK(head.content_length >= -1 && (!head.chunked || head.content_length == -1));
  CHECK(head.minor_version == 0 || head.minor_version == 1);
  // A length that was believed is the one a reader of the fields finds.
  const std::string_view length = find_field(head.fields, "content-length");
  CHECK(head.content_length < 0 || (!length.empty() && bytes.holds(length)));
  const std::string_view coding = find_field(head.fields, "transfer-encoding");
  CHECK(!head.chunked || !coding.empty());
  return verdict;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const ExactBytes bytes(input);
  ResponseHead whole;
  size_t used = 0;
  const Parsed verdict = parse(bytes, whole, used);
  Cuts cuts(data[0]);
  for (size_t given = cuts.next(); given < input.size(); given += cuts.next()) {
    const ExactBytes part(input.substr(0, given));
    ResponseHead head;
    size_t used_part = 0;
    const Parsed early = parse(part, head, used_part);
    if (early == Parsed::need_more) continue;
    CHECK(early == verdict);
    CHECK(early == Parsed::bad || (used_part == used && head.status == whole.status));
    CHECK(early == Parsed::bad || head.content_length == whole.content_length);
    CHECK(early == Parsed::bad || head.chunked == whole.chunked);
  }
  return 0;
}
