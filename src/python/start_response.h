// The callables that the app is given: start_response, the write that it returns, and
// wsgi.early_hints. They are made once and used for one request after the other, unless the app
// keeps one of them: then that one goes dead, and new ones are made.
#pragma once

#include "python/ref.h"
#include "python/response.h"

namespace labcoat::python {

class StartResponse {
 public:
  // The response outlives this object. False with an exception.
  static bool make_type();
  explicit StartResponse(Response& response) : response_(response) {}
  ~StartResponse() { retire(); }

  // Borrowed; valid until settle(). nullptr with an exception.
  PyObject* callable();
  // wsgi.early_hints, the same; one more reference to it is the environ template's.
  PyObject* early_hints();
  // The request is over: calls that come later must not reach the next one.
  void settle();

 private:
  bool make();
  void retire();

  Response& response_;
  Ref self_, start_, write_, hints_;
};

}  // namespace labcoat::python
