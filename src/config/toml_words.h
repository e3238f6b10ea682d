// How messages call the values of a TOML file.
#pragma once

#include <string>
#include <string_view>
#include <toml++/toml.h>

#include "base/result.h"

namespace labcoat::config {

// "a list", "text", "a whole number", …
const char* type_word(const toml::node& node);

// "labcoat.toml:12"; `file` as the user knows it.
std::string place_of(std::string_view file, const toml::node& node);

// "labcoat.toml:12: KEY is a list; expected text in quotes"
tl::unexpected<Error> wrong_type(std::string_view file, const toml::node& node,
                                 std::string_view key, std::string_view expected);

}  // namespace labcoat::config
