// labcoat.toml, or [tool.labcoat] of a pyproject.toml, as Settings.
#pragma once

#include <string>

#include "base/result.h"
#include "config/settings.h"

namespace labcoat::config {

// `shown` is the file's name as the user knows it and stands in the messages; `path` is absolute,
// and relative paths in the file begin in its directory. Errors: unreadable, not TOML, a key nobody
// knows, a value of the wrong type or out of range; with file, line and key.
Result<Settings> read_toml_file(const std::string& shown, const std::string& path);

// Whether this pyproject.toml has a table [tool.labcoat]. A file that is not TOML is an error.
Result<bool> has_labcoat_table(const std::string& path);

}  // namespace labcoat::config
