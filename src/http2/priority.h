// The order in which a client wants its answers (RFC 9218): how urgent, and whether pieces of it
// are of use before the rest.
#pragma once

#include <string_view>

#include "base/clock.h"

namespace labcoat::http2 {

struct Priority {
  static constexpr u8 levels = 8;

  u8 urgency = 3;  // 0 is the most urgent
  bool incremental = false;

  bool operator==(const Priority&) const = default;
};

// Takes from a `priority` field (a dictionary of RFC 8941) what is known of it, and leaves the rest
// as it was. False: it is no dictionary, and nothing is taken.
bool read_priority(std::string_view field, Priority& out);

}  // namespace labcoat::http2
