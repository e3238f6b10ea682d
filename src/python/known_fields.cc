#include "python/known_fields.h"

namespace labcoat::python {

void KnownFields::remember(size_t place, PyObject* pair, std::string_view text, size_t name_bytes,
                           i64 content_length) {
  if (place >= fields_max || text.size() > text_bytes_max || !PyTuple_CheckExact(pair)) return;
  PyObject* const name = PyTuple_GetItem(pair, 0);
  PyObject* const value = PyTuple_GetItem(pair, 1);
  if (!PyUnicode_CheckExact(name) || !PyUnicode_CheckExact(value)) return;
  if (place >= fields_.size()) fields_.resize(place + 1);
  KnownField& field = fields_[place];
  field.pair = Ref::share(pair);
  field.name = Ref::share(name);
  field.value = Ref::share(value);
  field.text = text;
  field.name_bytes = name_bytes;
  field.content_length = content_length;
}

}  // namespace labcoat::python
