// EnvironBuilder makes the environ dictionary of each request. It keeps a template with every key
// that a request always has, brings the changed values up to date, copies it in one go, and adds
// the headers: a request like the one before costs little more than the copy.
#pragma once

#include <array>
#include <string>

#include "channel/worker_port.h"
#include "python/header_keys.h"
#include "python/ref.h"

namespace labcoat::python {

class EnvironBuilder {
 public:
  struct Settings {
    bool multithread = false;
    bool multiprocess = false;
    PyObject* file_wrapper = nullptr;  // the type; borrowed
  };

  // False with an exception.
  bool open(const Settings& settings);
  // The objects that stand for this request's body and log until they are set again.
  bool set_input(PyObject* input);
  bool set_errors(PyObject* errors);
  // Nothing happens when it is the one that is there.
  bool set_early_hints(PyObject* callable);
  // A new dictionary for the request that `port` holds; nullptr with an exception.
  PyObject* build(const channel::WorkerPort& port, i64 taken_ns);
  // "GET /path" of the last request built, for the log.
  std::string request_line() const;

 private:
  // A value of the template and the bytes it was made of.
  struct Memo {
    std::string bytes;
    bool filled = false;
  };

  bool update(PyObject* key, PyObject* second_key, Memo& memo, std::string_view bytes);
  bool update_port(PyObject* key, int& memo, int port);
  Ref text_of_port(int port);
  bool update_flags(u32 flags);
  bool add_headers(PyObject* environ, const channel::WorkerPort& port);
  bool join(PyObject* environ, HeaderKey& key, std::string_view value);

  Ref template_;
  PyObject* early_hints_ = nullptr;  // the template's
  HeaderKeys keys_;
  u64 request_number_ = 0;
  Memo method_, script_name_, path_, query_, target_, server_name_, remote_address_;
  // Connections live long: most requests come from a port seen before.
  struct PortText {
    int port = -1;
    Ref text;
  };
  std::array<PortText, 256> ports_;  // by the port's last eight bits
  int server_port_ = -1;
  int remote_port_ = -1;
  u32 flags_ = ~u32{0};
};

}  // namespace labcoat::python
