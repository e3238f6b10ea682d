#include "http/forwarded.h"

#include <gtest/gtest.h>

using namespace labcoat::http;

TEST(Forwarded, IsReadFromTheRight) {
  std::string_view list =
      "for=192.0.2.60;proto=http, for=\"[2001:db8::1]:4711\" ; "
      "Proto=HTTPS;host=\"shop.example:81\";ext=\"a,b;\\\"c\"";
  ForwardedElement element;
  ASSERT_TRUE(take_last_forwarded(list, element));
  EXPECT_EQ(element.client->address.text(), "2001:db8::1");
  EXPECT_EQ(element.client->port, 4711);
  EXPECT_EQ(element.proto, "https");
  EXPECT_EQ(element.host, "shop.example:81");
  ASSERT_TRUE(take_last_forwarded(list, element));
  EXPECT_EQ(element.client->address.text(), "192.0.2.60");
  EXPECT_EQ(element.proto, "http");
  EXPECT_TRUE(element.host.empty()) << "nothing is left of the element before";
  EXPECT_FALSE(take_last_forwarded(list, element));
}

TEST(Forwarded, KnowsNobodyFromWhatIsHidden) {
  for (const char* text : {"for=unknown", "for=_secret", "for=\"2001:db8::1\"", "for=\"\"",
                           "proto=https", "for=1.2.3.4.5"}) {
    std::string_view list = text;
    ForwardedElement element;
    ASSERT_TRUE(take_last_forwarded(list, element)) << text;
    EXPECT_FALSE(element.client) << text;
  }
}

TEST(Forwarded, RefusesWhatIsNotAList) {
  for (const char* text :
       {"", ",", "for", "for=1.2.3.4,", "for=\"1.2.3.4", "for=1.2.3.4;for=5.6.7.8", "for =1.2.3.4",
        "for=a b", "for=\"a\"b", "=x", "for=\"a\\"}) {
    std::string_view list = text;
    ForwardedElement element;
    EXPECT_FALSE(take_last_forwarded(list, element)) << text;
  }
}

TEST(Forwarded, PlainListsAreReadFromTheRightToo) {
  std::string_view list = "a, b ,\tc", item;
  ASSERT_TRUE(take_last_item(list, item));
  EXPECT_EQ(item, "c");
  ASSERT_TRUE(take_last_item(list, item));
  EXPECT_EQ(item, "b");
  ASSERT_TRUE(take_last_item(list, item));
  EXPECT_EQ(item, "a");
  EXPECT_FALSE(take_last_item(list, item));
}
