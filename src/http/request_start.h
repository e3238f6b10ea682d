// X-Request-Start: when the first proxy got a request, as it says. There is no standard; NGINX,
// Apache, HAProxy and hosting platforms write seconds with a fraction, or whole milli-, micro- or
// nanoseconds since 1970, with or without "t=" before it. Pure; nothing is believed here.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"

namespace labcoat::http {

// Longer ago, it is no wait in a queue but a clock that is wrong, or a number that means something
// else.
constexpr i64 request_start_age_max_ns = 3600 * seconds;

// Nanoseconds since 1970. The unit goes by the size of the number, which leaves no doubt from 1973
// to 2262. Nothing: it is none of these forms.
std::optional<i64> parse_request_start(std::string_view value);

// How long before `wall_now_ns` that was: 0 when it is nonsense, in the future (the clocks of two
// machines differ a little), or too long ago.
i64 waited_since(std::string_view value, i64 wall_now_ns);

}  // namespace labcoat::http
