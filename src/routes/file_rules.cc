#include "routes/file_rules.h"

#include "routes/compress_rules.h"

namespace labcoat::routes {
namespace {

// Names are below the root, however they are written.
std::string below_root(std::string name) {
  name.erase(0, name.find_first_not_of('/'));
  return name;
}

}  // namespace

FileRules file_rules_of(const config::Route& route) {
  FileRules rules;
  if (!route.index.empty()) rules.index = route.index;
  rules.listing = route.listing;
  for (const std::string& name : route.try_files) rules.try_files.push_back(below_root(name));
  rules.fallback = below_root(route.fallback);
  rules.precompressed = route.precompressed;
  rules.compress = codings_of(route.compress, {.by_default = true});
  rules.cache_control = route.cache_control;
  return rules;
}

}  // namespace labcoat::routes
