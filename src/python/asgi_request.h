// AsgiRequest is one HTTP request in the hands of an ASGI app: its receive and send.
#pragma once

#include <vector>

#include "python/asgi_call.h"
#include "python/asgi_response.h"
#include "python/request_body.h"

namespace labcoat::python {

class AsgiRequest final : public AsgiCall {
 public:
  // The endpoint outlives the request; `self` is the Python object around it.
  AsgiRequest(AsgiEndpoint& endpoint, PyObject* self);
  ~AsgiRequest() override;

  // The endpoint's: its place among those that are looked at when the doorbell rings.
  static constexpr size_t not_watched = ~size_t{0};
  size_t watched_at = not_watched;

  // The port has taken a request into taken() and is using it: calls the app, and gives what it
  // returned to a task. False with an exception only when something of ours failed.
  bool begin(PyObject* app, PyObject* scope);
  // The doorbell has rung: wakes those who waited for what has happened. False: nobody waits.
  bool look();

  // What the app calls. An awaitable, or nullptr with an exception.
  PyObject* receive();
  PyObject* send(PyObject* event);

  // For python/labcoat/asgi.py, which does what has to wait:
  // writes what fits of what is pending; True: nothing is left. nullptr when the client is gone.
  PyObject* write_pending();
  // Awaitables that end when there may be room, or when the request is over.
  PyObject* room() { return wait({.for_room = true}); }
  PyObject* end() { return wait({.for_room = false}); }
  // There will be nothing more to receive: the response is complete, or the client has gone.
  bool over();

 private:
  struct WaitFor {
    bool for_room;
  };
  enum class Wake { all, for_room };
  struct Waiter {
    Ref future;
    bool for_room;
  };

  void refresh() override;
  void end_returned() override;
  void end_failed() override;
  void count_end() override;
  void use_slot();
  PyObject* wait(WaitFor what);
  bool anybody_waits(WaitFor what) const;
  void forget_cancelled();
  void rearm();
  void wake(Wake whom);
  PyObject* dispatch(PyObject* event);
  PyObject* body_event();
  void let_go();
  void release();

  RequestBody body_;
  AsgiResponse response_;
  std::vector<Waiter> waiters_;
  bool body_given_ = false;  // the last piece of the request's body was
  u32 pieces_ = 0;
};

// A new Python object around a new request; nullptr with an exception.
PyObject* new_asgi_request(AsgiEndpoint& endpoint);
AsgiRequest& asgi_request_of(PyObject* object);

}  // namespace labcoat::python
