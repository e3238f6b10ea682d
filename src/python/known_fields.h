// KnownFields remembers the header fields of the last response by their objects. Strings and tuples
// of Python do not change, so what was checked and copied once needs neither again: apps keep
// constant fields in module-level lists, and frameworks at least the names.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "python/ref.h"

namespace labcoat::python {

struct KnownField {
  // Held, so that nothing else can come to lie at their addresses.
  Ref pair, name, value;
  std::string text;  // name and value
  size_t name_bytes = 0;
  i64 content_length = -1;  // of a Content-Length

  std::string_view name_text() const { return std::string_view(text).substr(0, name_bytes); }
};

class KnownFields {
 public:
  // What stood at this place of the last response; nullptr: nothing is known.
  const KnownField* at(size_t place) const {
    return place < fields_.size() ? &fields_[place] : nullptr;
  }
  // Nothing happens beyond some fields, for long ones, and for subclasses, which could be in cycles
  // of garbage or be missed by somebody.
  void remember(size_t place, PyObject* pair, std::string_view text, size_t name_bytes,
                i64 content_length);

 private:
  static constexpr size_t fields_max = 16;
  static constexpr size_t text_bytes_max = 256;
  std::vector<KnownField> fields_;
};

}  // namespace labcoat::python
