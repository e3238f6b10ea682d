// The words after `labcoat serve`: parsing them, and the help page that is made from the option
// rows.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/explain.h"
#include "config/reader.h"

namespace labcoat {

struct ServeWords {
  config::CommandLine line;
  bool check = false;
  bool reload = false;   // watch the apps' files
  ExplainWords explain;  // with a url: only that
  bool help = false;
  bool print_options_doc = false;  // hidden: makes docs/options.md
};

// argv[0] is "serve". An error names the word and the nearest flag.
Result<ServeWords> parse_serve_words(int argc, char** argv);

std::string serve_help();
// The text of docs/options.md.
std::string options_doc();

}  // namespace labcoat
