#include "lab/config_edit.h"

#include <gtest/gtest.h>

namespace labcoat {
namespace {

constexpr const char* shop = R"(# my shop
[server]
listen = ["http://127.0.0.1:8000"]

[app.shop]
target = "shop.wsgi:app"
workers = 2  # one per core

# what comes first
[[route]]
path = "/*"
app = "shop"
)";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST(ConfigEdit, rewrites_a_value_and_keeps_its_comment) {
  EXPECT_EQ(set_toml_value(shop, "app.shop", "workers", "4").value(),
            replaced(shop, "workers = 2", "workers = 4"));
}

TEST(ConfigEdit, adds_a_key_behind_the_last_one_of_its_table) {
  EXPECT_EQ(set_toml_value(shop, "app.shop", "gc", "\"freeze\"").value(),
            replaced(shop, "one per core\n", "one per core\ngc = \"freeze\"\n"));
  EXPECT_EQ(set_toml_value(shop, "server", "backlog", "256").value(),
            replaced(shop, ":8000\"]\n", ":8000\"]\nbacklog = 256\n"));
}

TEST(ConfigEdit, adds_a_missing_table_at_the_end) {
  EXPECT_EQ(set_toml_value(shop, "limits", "queue", "64").value(),
            std::string(shop) + "\n[limits]\nqueue = 64\n");
  EXPECT_EQ(set_toml_value("", "server", "backlog", "1").value(), "[server]\nbacklog = 1\n");
}

TEST(ConfigEdit, replaces_a_value_over_several_lines) {
  EXPECT_EQ(set_toml_value("[server]\nlisten = [\n  \"a\",\n]  # two\nbacklog = 1\n", "server",
                           "listen", "\"b\"")
                .value(),
            "[server]\nlisten = \"b\"  # two\nbacklog = 1\n");
}

TEST(ConfigEdit, says_that_an_inline_table_cannot_be_edited_by_line) {
  const auto result =
      set_toml_value("app = { shop = { target = \"a:b\" } }\n", "app.shop", "gc", "1");
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().text.find("[app.shop]"), std::string::npos) << result.error().text;
}

TEST(ConfigEdit, takes_a_table_out) {
  const std::string with = std::string("[admin]\nlisten = \"x\"\n\n") + shop;
  EXPECT_EQ(remove_toml_table(with, "admin").value().find("listen = \"x\""), std::string::npos);
  EXPECT_EQ(remove_toml_table(shop, "admin").value(), shop);
}

TEST(ConfigEdit, writes_values_as_toml) {
  EXPECT_EQ(toml_literal("4", false), "4");
  EXPECT_EQ(toml_literal("on", false), "true");
  EXPECT_EQ(toml_literal("off", true), "\"off\"");
  EXPECT_EQ(toml_literal("auto*2", false), "\"auto*2\"");
  EXPECT_EQ(toml_literal("20us", false), "\"20us\"");
}

}  // namespace
}  // namespace labcoat
