#include "python/response.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <unistd.h>

namespace labcoat::python {
namespace {

// Python's rule for `raise value.with_traceback(traceback)`.
void raise_exc_info(PyObject* exc_info) {
  PyObject* const type = PyTuple_GetItem(exc_info, 0);
  PyObject* const value = PyTuple_GetItem(exc_info, 1);
  PyObject* const traceback = PyTuple_GetItem(exc_info, 2);
  PyErr_Restore(Ref::share(type).release(),
                value == Py_None ? nullptr : Ref::share(value).release(),
                traceback == Py_None ? nullptr : Ref::share(traceback).release());
}

}  // namespace

void Response::open() {
  head_.clear();
  is_head_request_ = port_.method() == "HEAD";
  started_ = head_sent_ = gone_ = ended_ = false;
  left_ = -1;
  surplus_ = 0;
}

bool Response::start(PyObject* status, PyObject* headers, PyObject* exc_info) {
  if (exc_info) {
    const bool is_exc_info = PyTuple_Check(exc_info) && PyTuple_Size(exc_info) == 3 &&
                             PyExceptionClass_Check(PyTuple_GetItem(exc_info, 0));
    if (!is_exc_info) {
      PyErr_SetString(PyExc_TypeError, "start_response: exc_info must be what sys.exc_info() gave");
      return false;
    }
    if (head_sent_) {
      raise_exc_info(exc_info);
      return false;
    }
  } else if (started_) {
    PyErr_SetString(PyExc_AssertionError, "start_response was called twice without exc_info");
    return false;
  }
  if (!head_.set(status, headers, port_.head_bytes_max())) return false;
  started_ = true;
  return true;
}

bool Response::hints(PyObject* headers) {
  if (head_sent_) {
    PyErr_SetString(PyExc_RuntimeError, "wsgi.early_hints was called after the response had begun");
    return false;
  }
  ResponseHead hints;
  if (!hints.set_fields(headers, port_.head_bytes_max())) return false;
  wait_for_other_threads();
  if (port_.write_hints(hints.fields())) port_.flush();
  return true;
}

bool Response::begin(i64 body_bytes) {
  if (head_sent_) return true;
  if (!head_.is_set()) {
    PyErr_SetString(PyExc_AssertionError, "the app did not call start_response before its body");
    return false;
  }
  left_ = head_.content_length();
  // A HEAD answer without body says nothing about the length that GET would have.
  if (left_ < 0 && !(without_body() && body_bytes == 0)) left_ = body_bytes;
  head_sent_ = true;
  if (!port_.write_head(static_cast<u16>(head_.code()), left_, head_.reason(), head_.fields())) {
    gone_ = true;
  }
  return true;
}

// An app may hand its write callable to another thread: frames of two writers must not mix, and
// none may come after the last one.
void Response::wait_for_other_threads() const {
  while (busy_) {
    const WithoutGil released;
    ::usleep(200);
  }
}

// How many of the next `bytes` the Content-Length still allows.
i64 Response::cut(i64 bytes) {
  if (left_ < 0) return bytes;
  const i64 allowed = std::min(bytes, left_);
  left_ -= allowed;
  return allowed;
}

void Response::send(std::string_view block) {
  wait_for_other_threads();
  const size_t allowed = static_cast<size_t>(cut(static_cast<i64>(block.size())));
  surplus_ += static_cast<i64>(block.size() - allowed);
  block = block.substr(0, allowed);
  if (gone_ || block.empty()) return;
  if (port_.would_block(block.size() + 16)) {
    busy_ = true;
    {
      const WithoutGil released;
      gone_ = !port_.write_data(block);
    }
    busy_ = false;
  } else {
    gone_ = !port_.write_data(block);
  }
}

void Response::send_file(const PlainFile& file) {
  const i64 bytes = cut(file.bytes);
  if (gone_ || bytes == 0) return;
  if (bytes <= small_file_bytes) return send_small_file(file, static_cast<size_t>(bytes));
  wait_for_other_threads();
  const WithoutGil released;
  const auto number = control_.send_file(port_, endpoint_, file.fd);
  gone_ = !number || !port_.write_file({*number, file.offset, bytes});
}

void Response::send_small_file(const PlainFile& file, size_t bytes) {
  const auto buffer = std::make_unique<char[]>(bytes);
  size_t have = 0;
  const WithoutGil released;
  while (have < bytes) {
    const ssize_t got =
        ::pread(file.fd, buffer.get() + have, bytes - have, file.offset + static_cast<i64>(have));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;  // it became shorter meanwhile
    have += static_cast<size_t>(got);
  }
  if (left_ >= 0) left_ += static_cast<i64>(bytes - have);
  gone_ = !port_.write_data({buffer.get(), have});
}

void Response::flush() {
  wait_for_other_threads();
  if (!gone_) port_.flush();
}

bool Response::gone() {
  gone_ = gone_ || (!ended_ && port_.cancelled());
  return gone_;
}

void Response::end() {
  wait_for_other_threads();
  ended_ = true;
  using Ending = channel::WorkerPort::Ending;
  port_.finish(missing() > 0 || gone_ ? Ending::broken : Ending::complete);
}

void Response::fail() {
  wait_for_other_threads();
  using Ending = channel::WorkerPort::Ending;
  Ending ending = Ending::broken;
  if (!head_sent_) {
    constexpr std::string_view body = "Internal Server Error\n";
    head_.set_plain(500, "Internal Server Error");
    begin(body.size());
    send(body);
    ending = Ending::complete;
  }
  ended_ = true;
  port_.finish(ending);
}

}  // namespace labcoat::python
