// What labcoat needs beside its own program file, found relative to it: a build directory and an
// installation look alike.
#pragma once

#include <string>

#include "base/result.h"

namespace labcoat {

// Absolute path of the running program.
Result<std::string> program_path();

// The directory that holds the Python package `labcoat` with the extension module: python/ beside
// the program, or
// ../lib/labcoat/python.
Result<std::string> python_directory();

}  // namespace labcoat
