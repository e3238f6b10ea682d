#include "python/answer.h"

#include "python/names.h"
#include "python/objects.h"

namespace labcoat::python {
namespace {

bool not_bytes(PyObject* block) {
  PyErr_Format(PyExc_TypeError, "the body must be blocks of bytes, but one is %R",
               reinterpret_cast<PyObject*>(Py_TYPE(block)));
  return false;
}

// A list or tuple: the length is known before the first byte, nothing has to be flushed between.
bool send_sequence(Response& response, PyObject* result) {
  const bool is_list = PyList_CheckExact(result);
  const auto size = [&] { return is_list ? PyList_Size(result) : PyTuple_Size(result); };
  const auto item = [&](Py_ssize_t i) {
    return is_list ? PyList_GetItem(result, i) : PyTuple_GetItem(result, i);
  };
  i64 total = 0;
  for (Py_ssize_t i = 0, count = size(); i < count; ++i) {
    if (!PyBytes_Check(item(i))) return not_bytes(item(i));
    total += PyBytes_Size(item(i));
  }
  if (!response.begin(total)) return false;
  // While the ring is full other threads run, and may change the list.
  for (Py_ssize_t i = 0; i < size() && !response.gone(); ++i) {
    const Ref block = Ref::share(item(i));
    if (!PyBytes_Check(block.get())) return not_bytes(block.get());
    response.send(view_of(block.get()));
  }
  return true;
}

// PEP 3333: each block is on its way before the app is asked for the next.
bool send_iterable(Response& response, RequestBody& body, PyObject* result) {
  if (PyBytes_Check(result) || PyUnicode_Check(result)) {
    PyErr_Format(PyExc_TypeError, "the app returned %R instead of an iterable: return [body]",
                 reinterpret_cast<PyObject*>(Py_TYPE(result)));
    return false;
  }
  const Ref iterator = Ref::steal(PyObject_GetIter(result));
  if (!iterator) return false;
  while (const Ref block = Ref::steal(PyIter_Next(iterator.get()))) {
    if (!PyBytes_Check(block.get())) return not_bytes(block.get());
    const std::string_view bytes = view_of(block.get());
    if (bytes.empty()) continue;
    if (response.ended() || response.complete()) {
      response.send(bytes);  // only counts: it is more than the Content-Length
      return true;
    }
    if (!response.begin(-1)) return false;
    response.send(bytes);
    if (response.gone() || response.is_head_request()) return true;
    if (response.complete()) {
      // The client need not wait for what the app does behind its last byte.
      if (body.outlive_slot()) response.end();
    } else {
      response.flush();
    }
  }
  return !PyErr_Occurred() && (response.ended() || response.begin(0));
}

bool send_wrapped_file(Response& response, RequestBody& body, PyObject* wrapper) {
  const auto file = plain_file(wrapper);
  if (!file) return send_iterable(response, body, wrapper);
  if (!response.begin(file->bytes)) return false;
  if (!response.is_head_request()) response.send_file(*file);
  return true;
}

}  // namespace

bool send_answer(Response& response, RequestBody& body, PyObject* result, PyObject* file_wrapper) {
  if (PyList_CheckExact(result) || PyTuple_CheckExact(result)) {
    if (!send_sequence(response, result)) return false;
    body.close();
    response.end();
    return true;
  }
  const bool wrapped = reinterpret_cast<PyObject*>(Py_TYPE(result)) == file_wrapper;
  const bool sent =
      wrapped ? send_wrapped_file(response, body, result) : send_iterable(response, body, result);
  if (!sent) return false;
  if (response.ended()) return true;
  // close() is still to come, and may want to read.
  if (!body.outlive_slot()) body.close();
  response.end();
  return true;
}

bool close_answer(PyObject* result) {
  if (PyList_CheckExact(result) || PyTuple_CheckExact(result)) return true;
  const Ref close = Ref::steal(PyObject_GetAttr(result, names().close));
  if (!close) {
    if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return false;
    PyErr_Clear();
    return true;
  }
  return static_cast<bool>(Ref::steal(PyObject_CallNoArgs(close.get())));
}

}  // namespace labcoat::python
