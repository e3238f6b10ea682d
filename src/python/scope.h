// ScopeBuilder makes the scope dictionary of each ASGI request (ASGI 3.0, "HTTP Connection Scope").
// Like EnvironBuilder it keeps a template, brings the changed values up to date and copies it; a
// header that was sent before with the same value is the same tuple of bytes again.
#pragma once

#include <array>
#include <string>

#include "channel/worker_port.h"
#include "python/ref.h"

namespace labcoat::python {

// Turns the fields of a request into (name, value) tuples of bytes, names in lower case.
class FieldPairs {
 public:
  // A new list; nullptr with an exception. The edge has read the body whole, however it was framed:
  // Transfer-Encoding is left out, and a body has a Content-Length.
  PyObject* list(const channel::WorkerPort& port);

 private:
  static constexpr size_t table_size = 1024;  // a power of two
  static constexpr size_t names_max = 256;    // more are made anew each time
  static constexpr size_t name_bytes_max = 64;
  static constexpr size_t value_bytes_max = 512;  // longer values are not remembered

  enum class Meaning : u8 { any, content_length, transfer_encoding };
  struct Entry {
    std::string spelled;  // as the client spelled it; empty: no entry
    Meaning meaning = Meaning::any;
    Ref name;
    std::string value;  // the last one
    Ref pair;           // of name and value
  };

  Entry* find(std::string_view name);
  static Ref pair_of(Entry& entry, std::string_view value);

  std::array<Entry, table_size> table_;
  size_t names_ = 0;
  Entry unremembered_;
};

class ScopeBuilder {
 public:
  // `state` is what the lifespan left; each request gets a copy. False with an exception.
  bool open(PyObject* state);
  // A new dictionary for the request in use; nullptr with an exception.
  PyObject* build(const channel::WorkerPort& port);
  // The same for one that asks for a WebSocket.
  PyObject* build_socket(const channel::WorkerPort& port);

 private:
  // A value of the template and the bytes it was made of.
  struct Memo {
    std::string bytes;
    bool filled = false;
    bool keep(std::string_view now);
  };
  struct Peer {
    int port = -1;
    std::string address;
    Ref pair;
  };

  bool update_line(const channel::WorkerPort& port);
  bool update_flags(u32 flags);
  bool update_server(const channel::WorkerPort& port);
  PyObject* peer(const channel::WorkerPort& port);  // borrowed
  bool fill(PyObject* scope, const channel::WorkerPort& port);

  Ref template_, versions_, extensions_, socket_extensions_, state_;
  FieldPairs fields_;
  Memo method_, root_path_, path_, raw_path_, query_, server_;
  std::array<Peer, 256> peers_;  // by the port's last eight bits: connections live long
  int server_port_ = -1;
  u32 flags_ = ~u32{0};
};

}  // namespace labcoat::python
