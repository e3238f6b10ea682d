// ConfigEdit changes values in a labcoat.toml the way a person would: the line of the key is
// rewritten or one is added, and comments, order and everything else stay as they were.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace labcoat {

// Sets key in [table] (written "app.shop"; "" is the top of the file) to a TOML literal such as 4
// or "off". `text` must be valid TOML. A missing table is added at the end. The error says when the
// key stands in a place that cannot be edited by line, such as inside an inline table.
Result<std::string> set_toml_value(std::string_view text, std::string_view table,
                                   std::string_view key, std::string_view literal);

// Takes [table] out, with everything up to the next table's header. Text without it comes back
// unchanged.
Result<std::string> remove_toml_table(std::string_view text, std::string_view table);

// "4", "true" or "\"auto*2\"": a value as it is written after --set, as a TOML literal. `as_text`
// quotes numbers too.
std::string toml_literal(std::string_view value, bool as_text);

}  // namespace labcoat
