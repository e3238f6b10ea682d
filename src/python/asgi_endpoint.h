// AsgiEndpoint is an event loop's place in the channel: it takes requests from the app's queue, as
// many as the loop may have in flight, and begins a task for each. The loop watches the doorbell;
// while there is work the endpoint asks for a turn in each iteration of the loop, so at saturation
// no system call is made for a request.
//
// One per process; lives as long as that. Needs the GIL, in the loop's thread.
#pragma once

#include <pthread.h>
#include <vector>

#include "channel/worker_port.h"
#include "python/asgi_response.h"
#include "python/scope.h"
#include "python/worker_process.h"

namespace labcoat::python {

class AsgiRequest;
class AsgiSocket;

class AsgiEndpoint {
 public:
  // What python/labcoat/asgi.py gives: its functions of the same names, and bound methods of the
  // event loop.
  struct Hooks {
    Ref create_task, create_future, call_soon;
    Ref listen, drain, send_later, pause, stopping, stopped, die;
    Ref client_disconnected, is_disconnect, cancelled_error, coroutine_type;
    Ref describe_wait;
  };
  struct Settings {
    u32 endpoint = 0;
    int doorbell = -1;
    u32 in_flight_max = 1;
    PyObject* app = nullptr;    // borrowed here, kept
    PyObject* state = nullptr;  // the lifespan's; kept
    PyObject* hooks = nullptr;  // an object with an attribute for each Ref of Hooks, and `reasons`
  };

  AsgiEndpoint(WorkerProcess& process, const Settings& settings);
  // `self` is the Python object around it. False with an exception.
  bool open(const Settings& settings, PyObject* self);

  // The doorbell can be read. Never fails: what goes wrong here ends the worker.
  void on_doorbell();
  // The turn that was asked for.
  void on_turn();
  // The edge is gone: finish what is begun, take nothing more.
  void on_edge_gone();
  // Closes the WebSockets that are left: this worker has been told to go, and they had their time.
  void close_sockets();
  // Ends the requests that were taken so long ago. How long until this should be called again.
  i64 end_overdue(i64 limit_ns);
  u32 in_flight() const { return in_flight_; }

  // For AsgiRequest.
  channel::WorkerPort& port() { return port_; }
  channel::WorkerControl& control() { return *process_.control; }
  const Reasons& reasons() const { return reasons_; }
  const Hooks& hooks() const { return hooks_; }
  u32 id() const { return id_; }
  bool on_own_thread() const { return pthread_equal(pthread_self(), thread_) != 0; }
  PyObject* new_receive(PyObject* request);
  PyObject* new_send(PyObject* request);
  PyObject* new_socket_receive(PyObject* socket);
  PyObject* new_socket_send(PyObject* socket);
  bool is_coroutine(PyObject* object) const {
    return reinterpret_cast<PyObject*>(Py_TYPE(object)) == hooks_.coroutine_type.get();
  }
  // Somebody waits in this request: it is looked at whenever the doorbell rings.
  void watch(AsgiRequest& request);
  void forget(AsgiRequest& request);
  // Frames were written; their bell may have been put off.
  void has_output();
  // A request's task has ended.
  void done();
  // A WebSocket is accepted: it counts no longer as a request in flight.
  void socket_opened();
  // Its task has ended.
  void socket_done(bool was_open);
  // There will be no news of it.
  void forget_socket(u32 slot);
  // Lets the future's owner go on; a cancelled one is left alone.
  void set_done(PyObject* future);
  bool is_done(PyObject* future);
  // Whether the current exception comes of a client that has gone; it stays set.
  bool is_disconnect_error();
  PyObject* raise_disconnected();

 private:
  bool take_hooks(PyObject* hooks);
  bool take_reasons(PyObject* hooks);
  void look_at_watched();
  void turn();
  bool take_requests();
  bool begin_request();
  bool begin_socket(AsgiRequest& taker);
  void refuse_socket(u32 status);
  bool look_at_sockets();
  std::vector<Ref> all_sockets() const;
  u32 batch_max(i64 now);
  u32 fair_share(i64 now);
  void ask_for_turn();
  void stop_if_finished();
  [[noreturn]] void die();

  WorkerProcess& process_;
  const u32 id_;
  const u32 in_flight_max_;
  const pthread_t thread_ = pthread_self();
  channel::WorkerPort port_;
  ScopeBuilder scope_;
  Garbage garbage_;
  Hooks hooks_;
  Reasons reasons_;
  Ref app_, on_turn_;
  std::vector<AsgiRequest*> watched_;
  std::vector<AsgiSocket*> sockets_;  // by slot; empty before the first
  u32 in_flight_ = 0;
  u32 open_sockets_ = 0;
  bool turn_asked_ = false;
  bool taking_ = true;
  bool stopped_ = false;
  // How long the requests of the last batch held the loop up; decides how many are begun at once.
  i64 batch_began_ns_ = 0;
  u32 batch_ = 0;
  i64 request_ns_ = 0;
  i64 endpoints_counted_ns_ = 0;
  u32 endpoints_ = 1;
};

// Makes the Python types of endpoints and requests. False with an exception.
bool make_asgi_types();
// Worker.open_asgi: a new object of it.
PyObject* new_asgi_endpoint(WorkerProcess& process, const AsgiEndpoint::Settings& settings);

}  // namespace labcoat::python
