// labcoat serve --check --explain URL: which route would answer, and why not the ones before it.
#pragma once

#include <string>
#include <vector>

#include "config/reader.h"

namespace labcoat {

struct ExplainWords {
  std::string url = {};                   // or a path: of the host "localhost"
  std::string method = "GET";             // -m
  std::vector<std::string> headers = {};  // -H 'Name: value'
};

// Reads the configuration, starts nothing, prints. Returns the exit code: 0, 1 when no route
// answers, 2 when the configuration or the words are wrong.
int explain_route(const config::CommandLine& line, const ExplainWords& words);

}  // namespace labcoat
