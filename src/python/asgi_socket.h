// AsgiSocket is one WebSocket in the hands of an ASGI app: its receive and send. The edge frames
// and closes; here messages become events and back. Messages are read from the inbox when the app
// asks for them, so what it does not take holds its client up.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "python/asgi_call.h"
#include "python/asgi_response.h"

namespace labcoat::python {

class AsgiSocket final : public AsgiCall {
 public:
  AsgiSocket(AsgiEndpoint& endpoint, PyObject* self);

  // The port has taken a request into taken() and is using it. As AsgiRequest::begin.
  bool begin(PyObject* app, PyObject* scope);
  u32 slot() const { return taken_.slot; }
  // The edge has news of it.
  void look();
  // Closes it, as the app could have done, and tells the app that it was closed.
  void close_with(u16 code, std::string_view reason);
  // The edge is gone, and the client with it.
  void edge_lost();

  // What the app calls. An awaitable, or nullptr with an exception.
  PyObject* receive();
  PyObject* send(PyObject* event);

  // For python/labcoat/asgi.py, as those of AsgiRequest.
  PyObject* write_pending();
  PyObject* room();

  // For SocketReceive. The next event, or nullptr: with an exception, or because there is none yet.
  PyObject* next_event();
  // A future that is done when there may be one; nullptr with an exception.
  Ref wait_for_event();
  // Whether the loop should have a turn before the next event.
  bool is_turn_over() { return ++events_ % events_per_turn == 0; }

 private:
  // A client that is always faster than the app, or the other way round, lets others have a turn
  // after so many events.
  static constexpr u32 events_per_turn = 32;

  enum class State : u8 {
    asked,   // the app has neither accepted nor refused
    denied,  // it answers with an HTTP response
    open,
    closed  // by the app, or by us; the slot is the edge's
  };
  struct Message {
    bool text;
    std::string bytes;
  };

  void refresh() override;
  void end_returned() override;
  void end_failed() override;
  void count_end() override;

  // Sending.
  PyObject* dispatch(PyObject* event);
  PyObject* send_asked(PyObject* event, PyObject* type);
  PyObject* send_open(PyObject* event, PyObject* type);
  bool accept(PyObject* event);
  bool send_message(PyObject* event);
  bool close(PyObject* event);
  void deny();
  void finish_with(u16 code, std::string_view reason);
  PyObject* after_response();

  // Receiving.
  bool take_frame(const channel::WorkerPort::InboxFrame& frame, PyObject*& event);
  PyObject* message_event(bool text, std::string_view bytes) const;
  PyObject* disconnect_event() const;
  void keep_inbox();
  void let_go();
  void release();
  void wake(std::vector<Ref>& waiters);
  PyObject* new_waiter(std::vector<Ref>& waiters);

  AsgiResponse response_;
  State state_ = State::asked;
  bool connect_given_ = false;
  bool counted_as_open_ = false;
  u32 events_ = 0;
  u16 code_ = 1006;  // of the disconnect
  std::string reason_;
  std::string partial_;           // pieces of a message of the client's
  std::deque<Message> messages_;  // that the inbox held when the slot was given back
  Ref pending_;                   // str or bytes that is being sent
  std::string_view rest_;         // of it
  channel::WorkerPort::MessageKind kind_ = channel::WorkerPort::MessageKind::text;
  std::vector<Ref> readers_, writers_;
};

// A new Python object around a new one; nullptr with an exception.
PyObject* new_asgi_socket(AsgiEndpoint& endpoint);
AsgiSocket& asgi_socket_of(PyObject* object);

}  // namespace labcoat::python
