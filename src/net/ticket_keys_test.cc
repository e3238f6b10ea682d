#include "net/ticket_keys.h"

#include <gtest/gtest.h>

namespace labcoat::net {
namespace {

constexpr i64 start = 1000 * seconds;

std::string_view name_of(const TicketKey& key) {
  return {reinterpret_cast<const char*>(key.name.data()), key.name.size()};
}

TEST(TicketKeys, one_key_seals_until_its_time_is_up) {
  TicketKeys keys({.seals_ns = 60 * seconds, .opens_ns = 120 * seconds});
  const auto first = keys.to_seal(start);
  ASSERT_TRUE(first);
  EXPECT_EQ(keys.to_seal(start + 59 * seconds)->name, first->name);
  const auto second = keys.to_seal(start + 60 * seconds);
  EXPECT_NE(second->name, first->name);
  EXPECT_NE(second->cipher, first->cipher);
  EXPECT_NE(second->mac, first->mac);
}

TEST(TicketKeys, an_old_key_opens_what_it_sealed_and_asks_for_a_new_ticket) {
  TicketKeys keys({.seals_ns = 60 * seconds, .opens_ns = 120 * seconds});
  const TicketKey first = *keys.to_seal(start);
  EXPECT_FALSE(keys.to_open(name_of(first), start + 59 * seconds)->renew);
  // Also when nobody has needed a younger one yet.
  EXPECT_TRUE(keys.to_open(name_of(first), start + 60 * seconds)->renew);
  keys.to_seal(start + 100 * seconds);
  const auto found = keys.to_open(name_of(first), start + 179 * seconds);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->renew);
  EXPECT_EQ(found->key.cipher, first.cipher);
}

TEST(TicketKeys, a_key_is_forgotten_in_the_end) {
  TicketKeys keys({.seals_ns = 60 * seconds, .opens_ns = 120 * seconds});
  const TicketKey first = *keys.to_seal(start);
  EXPECT_FALSE(keys.to_open(name_of(first), start + 180 * seconds));
  keys.to_seal(start + 180 * seconds);
  // Gone, not only refused.
  EXPECT_FALSE(keys.to_open(name_of(first), start));
}

TEST(TicketKeys, nobody_elses_name_opens_anything) {
  TicketKeys keys;
  keys.to_seal(start);
  EXPECT_FALSE(keys.to_open("0123456789abcdef", start));
  EXPECT_FALSE(keys.to_open("", start));
}

}  // namespace
}  // namespace labcoat::net
