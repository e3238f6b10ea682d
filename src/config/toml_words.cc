#include "config/toml_words.h"

#include <fmt/format.h>

namespace labcoat::config {

const char* type_word(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

std::string place_of(std::string_view file, const toml::node& node) {
  return fmt::format("{}:{}", file, node.source().begin.line);
}

tl::unexpected<Error> wrong_type(std::string_view file, const toml::node& node,
                                 std::string_view key, std::string_view expected) {
  return fail(fmt::format("{}: {} is {}; expected {}", place_of(file, node), key, type_word(node),
                          expected));
}

}  // namespace labcoat::config
