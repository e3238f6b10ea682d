// A rate as the options write it: "100/s", "30/m", "1000/h".
#pragma once

#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace labcoat::config {

struct Rate {
  i64 interval_ns = 0;  // of one; 0: "off"
  int per_second = 1;   // at least 1
};

Result<Rate> parse_rate(std::string_view text);

}  // namespace labcoat::config
