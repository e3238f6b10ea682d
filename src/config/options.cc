#include "config/options.h"

#include <vector>

#include "config/option_tables.h"

namespace labcoat::config {

// The order is that of --help and of the documentation page.
std::span<const Option> options() {
  static const std::vector<Option> all = [] {
    std::vector<Option> joined;
    for (const auto piece : {server_options(), app_options(), tls_options(), limit_options()}) {
      joined.insert(joined.end(), piece.begin(), piece.end());
    }
    return joined;
  }();
  return all;
}

const Option* find_option(std::string_view section, std::string_view name) {
  for (const Option& row : options()) {
    if (name == row.name && (section.empty() || section == row.section)) return &row;
  }
  return nullptr;
}

}  // namespace labcoat::config
