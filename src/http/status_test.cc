#include "http/status.h"

#include <gtest/gtest.h>

namespace labcoat::http {
namespace {

TEST(Status, KnowsThePhrases) {
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(404), "Not Found");
  EXPECT_EQ(reason_phrase(413), "Content Too Large");
  EXPECT_EQ(reason_phrase(299), "Unknown");
  EXPECT_EQ(reason_phrase(-1), "Unknown");
}

TEST(Status, KnowsWhatHasNoBody) {
  for (const int status : {100, 101, 199, 204, 304}) EXPECT_TRUE(forbids_body(status)) << status;
  for (const int status : {99, 200, 205, 206, 302, 404, 500}) {
    EXPECT_FALSE(forbids_body(status)) << status;
  }
}

}  // namespace
}  // namespace labcoat::http
