#include "answer/response.h"

#include <gtest/gtest.h>

namespace labcoat::answer {
namespace {

TEST(SplitLines, are_the_fields_with_names_in_lower_case) {
  const SplitLines split("ETag: \"Ab\"\r\nContent-Type:  text/plain \r\n");
  ASSERT_EQ(split.fields.size(), 2u);
  EXPECT_EQ(split.fields[0].name, "etag");
  EXPECT_EQ(split.fields[0].value, "\"Ab\"");
  EXPECT_EQ(split.fields[1].name, "content-type");
  EXPECT_EQ(split.fields[1].value, "text/plain");
}

}  // namespace
}  // namespace labcoat::answer
