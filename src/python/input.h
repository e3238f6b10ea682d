// The wsgi.input object. It always ends where the body ends (wsgi.input_terminated).
#pragma once

#include "python/ref.h"
#include "python/request_body.h"

namespace labcoat::python {

struct Input {
  PyObject_HEAD RequestBody body;
};

// A new type object; nullptr with an exception.
PyObject* make_input_type();
Input* new_input(PyObject* type);

}  // namespace labcoat::python
