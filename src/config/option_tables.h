// The pieces of the table of options, one for each section of the file; options() joins them.
#pragma once

#include <span>

#include "base/option.h"

namespace labcoat::config {

// Levels make a row a knob of the laboratory.
std::span<const Option> server_options();
std::span<const Option> app_options();
std::span<const Option> tls_options();
std::span<const Option> limit_options();

// Bounds of the rows. Durations are bounded in nanoseconds, sizes in bytes.
namespace bounds {
constexpr double thousand_million = 1e9;
constexpr double second = 1e9;
constexpr double hour = 3600 * second;
constexpr double kib = 1024;
constexpr double mib = 1024 * kib;
constexpr double gib = 1024 * mib;
}  // namespace bounds

}  // namespace labcoat::config
