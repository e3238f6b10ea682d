// What a route wants for its files: the keys of [[route]] about files, read once.
#pragma once

#include <string>
#include <vector>

#include "config/route.h"

namespace labcoat::routes {

struct FileRules {
  std::vector<std::string> index = {"index.html"};  // of a directory
  bool listing = false;                             // of a directory without one of these
  // Names for what is not there under its own: "{path}.html", below the root.
  std::vector<std::string> try_files = {};
  std::string fallback = {};  // the file for all that is not there
  bool precompressed = true;  // x.css.br beside x.css may stand in for it
  // By us, where the type is worth it and no such file is there: bits of ContentCoding.
  unsigned compress = 0;
  std::string cache_control = {};  // a value; or empty
};

FileRules file_rules_of(const config::Route& route);

}  // namespace labcoat::routes
