// The table of every option of `labcoat serve`: see base/option.h for who reads it.
#pragma once

#include <span>

#include "base/option.h"

namespace labcoat::config {

std::span<const Option> options();
// nullptr when there is none. `section` may be empty: any section (names are unique over all of
// them).
const Option* find_option(std::string_view section, std::string_view name);

}  // namespace labcoat::config
