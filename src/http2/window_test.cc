#include "http2/window.h"

#include <gtest/gtest.h>

namespace labcoat::http2 {
namespace {

TEST(SendWindow, GrowsUpToItsBoundAndMayGoBelowZero) {  // RFC 9113 section 6.9.1 and 6.9.2
  SendWindow window(initial_window);
  window.spend(65535);
  EXPECT_EQ(window.left(), 0);
  EXPECT_TRUE(window.grow(-65535));
  EXPECT_EQ(window.left(), -65535);
  EXPECT_TRUE(window.grow(65535 + window_max));
  EXPECT_EQ(window.left(), window_max);
  EXPECT_FALSE(window.grow(1));
  EXPECT_EQ(window.left(), window_max);
}

TEST(ReceiveWindow, TakesNoMoreThanItHasSaid) {
  ReceiveWindow window(100);
  EXPECT_TRUE(window.take(100));
  EXPECT_FALSE(window.take(1));
  EXPECT_TRUE(window.take(0));
}

TEST(ReceiveWindow, IsOpenedAgainInLargePieces) {
  ReceiveWindow window(100);
  ASSERT_TRUE(window.take(80));
  EXPECT_EQ(window.give_back(49), 0u);
  EXPECT_EQ(window.left(), 20u);
  EXPECT_EQ(window.give_back(1), 50u);
  EXPECT_EQ(window.left(), 70u);
  EXPECT_EQ(window.give_back(30), 0u);
}

}  // namespace
}  // namespace labcoat::http2
