#include "http/field.h"

#include "http/ascii.h"
#include "http/scan.h"

namespace labcoat::http {

bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

bool name_begins_with(std::string_view name, std::string_view prefix) {
  return same_name(name.substr(0, prefix.size()), prefix);
}

bool is_token(std::string_view text) {
  const char* end = text.data() + text.size();
  return !text.empty() && end_of_token(text.data(), end) == end;
}

bool is_field_value(std::string_view text) {
  const char* end = text.data() + text.size();
  return find_control(text.data(), end) == end;
}

}  // namespace labcoat::http
