// Which member of Config, Limits or App each option fills, and how its checked text becomes a
// value.
#pragma once

#include <string>
#include <string_view>

#include "config/config.h"

namespace labcoat::config {

// A value that check_setting() has let pass.
struct CheckedValue {
  std::string_view text;
  const std::string& directory;  // where a relative path begins
  const std::string& where;
  int cpus;
};

// False when there is no such option in that section: "server" and "limits", or "app".
bool set_server_field(Config& config, std::string_view name, const CheckedValue& value);
bool set_app_field(App& app, std::string_view name, const CheckedValue& value);

}  // namespace labcoat::config
