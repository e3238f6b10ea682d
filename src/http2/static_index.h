// Finds names and fields in the static table of HPACK, RFC 7541 appendix A.
#pragma once

#include <string_view>

#include "base/clock.h"

namespace labcoat::http2 {

// The index of the first entry with this name, or 0.
u32 find_static_name(std::string_view name);
// The index of the entry with this value; `name_index` is its name's first. Or 0.
u32 find_static_value(u32 name_index, std::string_view value);

}  // namespace labcoat::http2
