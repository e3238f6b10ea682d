#include "python/asgi_response.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

#include "python/file_wrapper.h"
#include "python/header_rules.h"
#include "python/names.h"
#include "python/objects.h"

namespace labcoat::python {
namespace {

using Ending = channel::WorkerPort::Ending;

// Borrowed; nullptr when the event has no such key, or with an exception.
PyObject* find(PyObject* event, PyObject* key) {
  return PyDict_GetItemWithError(event, key);
}

// A missing key means no; nothing with an exception.
std::optional<bool> flag_of(PyObject* event, PyObject* key) {
  PyObject* const flag = find(event, key);
  if (!flag || flag == Py_False) {
    if (PyErr_Occurred()) return std::nullopt;
    return false;
  }
  const int truth = PyObject_IsTrue(flag);
  if (truth < 0) return std::nullopt;
  return truth > 0;
}

Ref body_of(PyObject* event) {
  PyObject* const body = find(event, names().body);
  if (!body) return PyErr_Occurred() ? Ref() : Ref::steal(PyBytes_FromStringAndSize("", 0));
  if (PyBytes_Check(body)) return Ref::share(body);
  if (PyByteArray_Check(body) || PyMemoryView_Check(body)) {
    return Ref::steal(PyBytes_FromObject(body));
  }
  refuse(PyExc_TypeError, "http.response.body: body must be bytes, not %R",
         reinterpret_cast<PyObject*>(Py_TYPE(body)));
  return {};
}

// The whole file, or what is left of one that became shorter meanwhile; nothing with an exception.
Ref read_whole(const Fd& file, i64 bytes) {
  std::string text(static_cast<size_t>(bytes), '\0');
  size_t have = 0;
  while (have < text.size()) {
    const ssize_t got =
        ::pread(file.get(), text.data() + have, text.size() - have, static_cast<off_t>(have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) PyErr_SetFromErrno(PyExc_OSError);
    if (got < 0) return {};
    if (got == 0) break;
    have += static_cast<size_t>(got);
  }
  return Ref::steal(PyBytes_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(have)));
}

Fd open_regular(PyObject* path, i64& bytes) {
  Py_ssize_t size;
  const Ref encoded = Ref::steal(PyUnicode_EncodeFSDefault(path));
  char* text;
  if (!encoded || PyBytes_AsStringAndSize(encoded.get(), &text, &size) < 0) return {};
  Fd file(::open(text, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info;
  if (!file || fstat(file.get(), &info) != 0) {
    PyErr_SetFromErrnoWithFilename(PyExc_OSError, text);
    return {};
  }
  if (!S_ISREG(info.st_mode)) {
    PyErr_Format(PyExc_OSError, "http.response.pathsend: %R is not a regular file", path);
    return {};
  }
  bytes = info.st_size;
  return file;
}

}  // namespace

void AsgiResponse::open() {
  head_.clear();
  is_head_request_ = port_.method() == "HEAD";
  head_sent_ = ended_ = more_behind_pending_ = false;
  left_ = -1;
  trailers_wanted_ = body_complete_ = trailers_pending_ = false;
  trailer_list_ = Ref();
  pending_ = Ref();
  pending_at_ = 0;
}

bool AsgiResponse::start(PyObject* event) {
  if (head_.is_set()) {
    PyErr_SetString(PyExc_RuntimeError, "http.response.start was sent twice");
    return false;
  }
  PyObject* const status = find(event, names().status);
  if (!status || !PyLong_Check(status)) {
    if (PyErr_Occurred()) return false;
    return refuse(PyExc_TypeError, "http.response.start: status must be an int, not %R",
                  status ? status : Py_None);
  }
  int overflow;
  const long code = PyLong_AsLongAndOverflow(status, &overflow);
  if (overflow != 0 || code < 200 || code > 599) {
    return refuse(PyExc_ValueError, "http.response.start: status must be 200 to 599, not %R",
                  status);
  }
  const auto trailers = flag_of(event, names().trailers);
  if (!trailers) return false;
  trailers_wanted_ = *trailers;
  PyObject* const headers = find(event, names().headers);
  if (!headers && PyErr_Occurred()) return false;
  const Ref none = headers ? Ref() : Ref::steal(PyList_New(0));
  if (!headers && !none) return false;
  return head_.set_asgi(static_cast<int>(code), reasons_[static_cast<size_t>(code)],
                        headers ? headers : none.get(), port_.head_bytes_max());
}

// Before anything of it is sent, so that a wrong length can still become a 500.
bool AsgiResponse::check_length(i64 bytes, bool more) const {
  const i64 left = head_sent_ ? left_ : head_.content_length();
  if (left < 0 || without_body()) return true;
  if (bytes > left) {
    PyErr_Format(PyExc_RuntimeError, "the body is longer than its Content-Length, by %lld bytes",
                 static_cast<long long>(bytes - left));
    return false;
  }
  if (!more && bytes < left) {
    PyErr_Format(PyExc_RuntimeError, "the body is shorter than its Content-Length, by %lld bytes",
                 static_cast<long long>(left - bytes));
    return false;
  }
  return true;
}

// The first piece decides that the head is sent. `body_bytes` is the length of the whole body when
// that is known, else -1; it counts only when the app gave no Content-Length.
void AsgiResponse::begin(i64 body_bytes) {
  if (head_sent_) return;
  left_ = head_.content_length() >= 0 ? head_.content_length() : body_bytes;
  head_sent_ = true;
  // The ring is empty and a head fills half of it at most, so this does not wait.
  port_.write_head(static_cast<u16>(head_.code()), left_, head_.reason(), head_.fields());
}

bool AsgiResponse::body(PyObject* event) {
  if (!head_.is_set()) {
    PyErr_SetString(PyExc_RuntimeError, "http.response.body was sent before http.response.start");
    return false;
  }
  if (body_complete_) {
    PyErr_SetString(PyExc_RuntimeError, "http.response.body was sent after the last one");
    return false;
  }
  Ref block = body_of(event);
  const auto more = block ? flag_of(event, names().more_body) : std::nullopt;
  return more && send(std::move(block), *more);
}

bool AsgiResponse::send(Ref block, bool more) {
  std::string_view bytes = view_of(block.get());
  if (!check_length(static_cast<i64>(bytes.size()), more)) return false;
  // An answer to HEAD without a body says nothing about the length that GET would have.
  // In front of trailers a length is left to the app: with one HTTP/1.1 has no place for them.
  const bool open_end = more || trailers_wanted_ || (without_body() && bytes.empty());
  begin(open_end ? -1 : static_cast<i64>(bytes.size()));
  if (left_ >= 0) left_ -= static_cast<i64>(bytes.size());
  if (without_body()) bytes = {};
  const size_t written = bytes.empty() ? 0 : port_.write_some(bytes);
  if (written < bytes.size()) {
    pending_ = std::move(block);
    pending_at_ = written;
    more_behind_pending_ = more;
    port_.flush();
  } else if (more) {
    port_.flush();
  } else {
    body_complete();
  }
  return true;
}

void AsgiResponse::body_complete() {
  if (!trailers_wanted_) return finish(Ending::complete);
  body_complete_ = true;
  port_.flush();
}

bool AsgiResponse::early_hint(PyObject* event) {
  if (head_sent_) {
    PyErr_SetString(PyExc_RuntimeError,
                    "http.response.early_hint was sent after the response had begun");
    return false;
  }
  PyObject* const links = find(event, names().links);
  if (!links && PyErr_Occurred()) return false;
  const Ref list = Ref::steal(links ? PySequence_List(links) : PyList_New(0));
  if (!list) return false;
  std::vector<channel::NameValue> fields;
  for (Py_ssize_t i = 0; i < PyList_Size(list.get()); ++i) {
    PyObject* const link = PyList_GetItem(list.get(), i);
    if (!PyBytes_Check(link)) {
      return refuse(PyExc_TypeError, "http.response.early_hint: a link must be bytes, not %R",
                    link);
    }
    if (has_control(view_of(link))) {
      return refuse(PyExc_ValueError, "http.response.early_hint: a control character in %R", link);
    }
    fields.push_back({"link", view_of(link)});
  }
  if (!fields.empty() && port_.write_hints(fields)) port_.flush();
  return true;
}

bool AsgiResponse::trailers(PyObject* event) {
  if (!trailers_wanted_ || !body_complete_) {
    PyErr_SetString(PyExc_RuntimeError,
                    trailers_wanted_ ? "http.response.trailers was sent before the last "
                                       "http.response.body"
                                     : "http.response.trailers was sent, but http.response.start "
                                       "did not say trailers=True");
    return false;
  }
  PyObject* const headers = find(event, names().headers);
  if (!headers && PyErr_Occurred()) return false;
  const auto more = flag_of(event, names().more_trailers);
  if (!more) return false;
  Ref list = Ref::steal(trailer_list_ ? PySequence_List(trailer_list_.get()) : PyList_New(0));
  const Py_ssize_t size = list ? PyList_Size(list.get()) : 0;
  const Ref added = headers ? Ref::steal(PySequence_List(headers)) : Ref();
  if (!list || (headers && !added)) return false;
  if (added && PyList_SetSlice(list.get(), size, size, added.get()) < 0) return false;
  // Checked each time, so that who is wrong hears of it.
  if (!trailers_.set_asgi_fields("http.response.trailers", list.get(), port_.head_bytes_max())) {
    return false;
  }
  trailer_list_ = std::move(list);
  if (*more) return true;
  trailers_pending_ = true;
  write_trailers();
  return true;
}

void AsgiResponse::write_trailers() {
  const auto fields = trailers_.fields();
  if (!without_body() && !fields.empty() && !port_.write_trailers(fields)) {
    port_.flush();
    return;
  }
  trailers_pending_ = false;
  trailer_list_ = Ref();
  finish(Ending::complete);
}

void AsgiResponse::write_pending() {
  if (trailers_pending_) return write_trailers();
  const std::string_view bytes = view_of(pending_.get()).substr(pending_at_);
  const size_t written = port_.write_some(bytes);
  pending_at_ += written;
  if (written < bytes.size()) {
    port_.flush();
    return;
  }
  pending_ = Ref();
  if (more_behind_pending_) {
    port_.flush();
  } else {
    body_complete();
  }
}

size_t AsgiResponse::room_wanted() {
  if (trailers_pending_) return channel::WorkerPort::fields_room(trailers_.fields());
  return pending_ ? port_.room_worth_waiting_for(view_of(pending_.get()).size() - pending_at_) : 0;
}

bool AsgiResponse::path_send(PyObject* event) {
  if (!head_.is_set() || head_sent_) {
    PyErr_SetString(PyExc_RuntimeError,
                    "http.response.pathsend must follow http.response.start at once");
    return false;
  }
  PyObject* const path = find(event, names().path);
  if (!path || !PyUnicode_Check(path)) {
    if (PyErr_Occurred()) return false;
    return refuse(PyExc_TypeError, "http.response.pathsend: path must be a str, not %R",
                  path ? path : Py_None);
  }
  i64 bytes = 0;
  const Fd file = open_regular(path, bytes);
  return file && send_file(file, bytes);
}

bool AsgiResponse::send_file(const Fd& file, i64 bytes) {
  // A file that has grown since the app looked is cut at what was promised.
  if (head_.content_length() >= 0) bytes = std::min(bytes, head_.content_length());
  if (bytes <= small_file_bytes && !without_body()) {
    Ref block = read_whole(file, bytes);
    return block && send(std::move(block), /*more=*/false);
  }
  if (!check_length(bytes, /*more=*/false)) return false;
  if (!without_body()) {
    const auto number = control_.send_file(port_, endpoint_, file.get());
    if (!number) {
      PyErr_Format(PyExc_OSError, "http.response.pathsend: %s", number.error().text.c_str());
      return false;
    }
    begin(bytes);
    port_.write_file({*number, 0, bytes});
  } else {
    begin(bytes);
  }
  left_ = 0;
  body_complete();
  return true;
}

void AsgiResponse::fail(int status) {
  pending_ = Ref();
  trailers_pending_ = false;
  if (head_sent_) return finish(Ending::broken);
  const std::string& reason = reasons_[static_cast<size_t>(status)];
  const std::string text = reason + "\n";
  head_.set_plain(status, reason);
  begin(static_cast<i64>(text.size()));
  if (!is_head_request_) port_.write_some(text);
  finish(Ending::complete);
}

void AsgiResponse::break_off() {
  pending_ = Ref();
  trailers_pending_ = false;
  finish(Ending::broken);
}

void AsgiResponse::finish(Ending ending) {
  ended_ = true;
  port_.finish(ending);
}

}  // namespace labcoat::python
