// take_last_forwarded: lists get shorter with every element, what an element says is valid by
// itself, and nothing to the left of an element changes it.
#include <string>

#include "base/check.h"
#include "fuzz_input.h"
#include "http/authority.h"
#include "http/forwarded.h"

using namespace labcoat::http;
using labcoat::fuzz::ExactBytes;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ExactBytes bytes(std::string_view(reinterpret_cast<const char*>(data), size));
  std::string_view list = bytes.view();
  ForwardedElement element;
  while (!list.empty()) {
    const std::string_view before = list;
    const bool taken = take_last_forwarded(list, element);
    if (!taken) break;
    CHECK(list.size() < before.size());
    CHECK(element.proto.empty() || element.proto == "http" || element.proto == "https");
    Authority authority;
    CHECK(element.host.empty() || parse_authority(element.host, authority));
    // Somebody in front of it says something else: this element says the same.
    const ExactBytes longer("for=203.0.113.9," + std::string(before));
    std::string_view other = longer.view();
    ForwardedElement same;
    CHECK(take_last_forwarded(other, same));
    CHECK(same.proto == element.proto && same.host == element.host);
    CHECK(same.client.has_value() == element.client.has_value());
    if (same.client) CHECK(same.client->address == element.client->address);
  }
  std::string_view items = bytes.view(), item;
  while (!items.empty()) {
    const size_t before = items.size();
    take_last_item(items, item);
    CHECK(items.size() < before);
  }
  return 0;
}
