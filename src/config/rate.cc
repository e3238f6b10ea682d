#include "config/rate.h"

#include <algorithm>
#include <string>

#include "base/text.h"

namespace labcoat::config {

Result<Rate> parse_rate(std::string_view text) {
  if (text == "off") return Rate{};
  const size_t slash = text.find('/');
  const std::string_view unit = slash == text.npos ? "" : text.substr(slash + 1);
  const i64 period = unit == "s"   ? seconds
                     : unit == "m" ? 60 * seconds
                     : unit == "h" ? 3600 * seconds
                                   : 0;
  const auto count = parse_int(text.substr(0, slash));
  if (period == 0 || !count || *count < 1 || *count > 1'000'000) {
    return fail("'" + std::string(text) +
                "' is not off, or a rate such as 100/s, 30/m or 1000/h, of 1 to 1000000");
  }
  return Rate{period / *count, static_cast<int>(std::max<i64>(1, *count * seconds / period))};
}

}  // namespace labcoat::config
