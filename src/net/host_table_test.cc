#include "net/host_table.h"

#include <gtest/gtest.h>

namespace labcoat::net {
namespace {

TEST(HostTable, finds_the_certificate_of_a_name) {
  HostTable table;
  table.add("Shop.Example", 1);
  table.add("*.shop.example", 2);
  table.add("special.shop.example", 3);
  table.add("shop.example", 4);  // named before
  const struct {
    const char* host;
    size_t value;
    const char* why;
  } cases[] = {
      {"shop.example", 1, "the first to name a host keeps it"},
      {"SHOP.example", 1, "letters are alike in both cases"},
      {"shop.example.", 1, "the root's dot is no part of the name"},
      {"a.shop.example", 2, "one label for the star"},
      {"special.shop.example", 3, "a name before a wildcard"},
      {"a.b.shop.example", 9, "a star is one label, not two"},
      {".shop.example", 9, "a star is not nothing"},
      {"*.shop.example", 2, "harmless: it is the wildcard's own name"},
      {"example", 9, "nobody's"},
      {"", 9, "no name"},
      {".", 9, "no name either"},
  };
  for (const auto& one : cases) EXPECT_EQ(table.find(one.host, 9), one.value) << one.why;
}

}  // namespace
}  // namespace labcoat::net
