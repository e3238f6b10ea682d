// What the app returned, sent: an iterable of bytes, or a wrapped file.
#pragma once

#include "python/ref.h"
#include "python/request_body.h"
#include "python/response.h"

namespace labcoat::python {

// Sends and ends the response. False with an exception when the app or the result is at fault; then
// the response may have ended or not.
bool send_answer(Response& response, RequestBody& body, PyObject* result, PyObject* file_wrapper);

// Calls result.close() if there is one. False with an exception.
bool close_answer(PyObject* result);

}  // namespace labcoat::python
