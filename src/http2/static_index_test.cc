#include "http2/static_index.h"

#include <gtest/gtest.h>
#include <string>

#include "http2/static_table.h"

namespace labcoat::http2 {
namespace {

TEST(StaticIndex, FindsEveryNameAndEveryField) {
  for (u32 i = 1; i <= static_table.size(); ++i) {
    const FieldView& field = static_table[i - 1];
    const u32 first = find_static_name(field.name);
    ASSERT_NE(first, 0U) << field.name;
    EXPECT_LE(first, i);
    EXPECT_EQ(static_table[first - 1].name, field.name);
    EXPECT_EQ(find_static_value(first, field.value), i) << field.name;
  }
}

TEST(StaticIndex, DoesNotFindWhatOnlyLooksAlike) {
  for (const FieldView& field : static_table) {
    std::string name(field.name);
    EXPECT_EQ(find_static_name(name + "s"), 0U);
    name[name.size() / 3] = 'Z';
    EXPECT_EQ(find_static_name(name), 0U) << name;
  }
  EXPECT_EQ(find_static_name(""), 0U);
  EXPECT_EQ(find_static_value(find_static_name(":status"), "301"), 0U);
  EXPECT_EQ(find_static_value(find_static_name("www-authenticate"), "Basic"), 0U);
}

}  // namespace
}  // namespace labcoat::http2
