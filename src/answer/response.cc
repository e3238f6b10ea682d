#include "answer/response.h"

#include <algorithm>

#include "http/ascii.h"

namespace labcoat::answer {

SplitLines::SplitLines(std::string_view lines) : bytes(lines) {
  for_each_field_of(bytes, [&](std::string_view name, std::string_view value) {
    // Within our own bytes.
    char* const first = bytes.data() + (name.data() - bytes.data());
    std::transform(first, first + name.size(), first, http::lower);
    fields.push_back({name, value});
  });
}

}  // namespace labcoat::answer
