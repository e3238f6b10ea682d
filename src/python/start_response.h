// The start_response callable that the app is given, and the write callable that it returns. Both
// are made once and used for one request after the other, unless the app keeps one of them: then
// that one goes dead, and new ones are made.
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
  // The request is over: calls that come later must not reach the next one.
  void settle();

 private:
  bool make();
  void retire();

  Response& response_;
  Ref self_, start_, write_;
};

}  // namespace labcoat::python
