#include "supervisor/endpoint_ids.h"

#include <gtest/gtest.h>

namespace labcoat::supervisor {
namespace {

using Ids = std::vector<int>;

TEST(EndpointIds, gives_the_lowest_free_ones) {
  EndpointIds ids(8);
  EXPECT_EQ(ids.take(2), (Ids{0, 1}));
  EXPECT_EQ(ids.take(2), (Ids{2, 3}));
  ids.give_back({1});
  EXPECT_EQ(ids.take(2), (Ids{1, 4}));
}

TEST(EndpointIds, keeps_an_id_until_the_edge_has_let_go_of_it) {
  EndpointIds ids(2);
  ids.take(2);
  EXPECT_TRUE(ids.take(1).empty());
  ids.give_back({0});
  EXPECT_EQ(ids.take(1), (Ids{0}));
}

TEST(EndpointIds, gives_all_that_were_asked_for_or_none) {
  EndpointIds ids(3);
  EXPECT_TRUE(ids.take(4).empty());
  EXPECT_EQ(ids.free_count(), 3);
}

TEST(EndpointIds, does_not_believe_ids_that_are_not_out) {
  EndpointIds ids(2);
  ids.take(1);
  ids.give_back({0, 0, 1, -1, 99});
  EXPECT_EQ(ids.free_count(), 2);
}

}  // namespace
}  // namespace labcoat::supervisor
