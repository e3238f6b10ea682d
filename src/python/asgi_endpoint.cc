#include "python/asgi_endpoint.h"

#include <algorithm>
#include <unistd.h>

#include "python/asgi_request.h"
#include "python/asgi_socket.h"
#include "python/names.h"
#include "python/stop.h"
#include "python/vectorcall.h"

namespace labcoat::python {
namespace {

// With other workers about, a batch is what can be begun in about this time: a request that waits
// behind slow ones of a batch could have been begun by somebody else.
constexpr i64 batch_ns_max = 500 * us;
constexpr i64 count_endpoints_every_ns = 50 * ms;

}  // namespace

AsgiEndpoint::AsgiEndpoint(WorkerProcess& process, const Settings& settings)
    : process_(process),
      id_(settings.endpoint),
      in_flight_max_(settings.in_flight_max),
      port_(*process.mapping, {.endpoint = settings.endpoint,
                               .doorbell = settings.doorbell,
                               .control = process.control_fd,
                               .edge_doorbells = process.edge_doorbells,
                               .spin_ns = 0,
                               .rings_in_turns = true}),
      app_(Ref::share(settings.app)) {}

bool AsgiEndpoint::open(const Settings& settings, PyObject* self) {
  on_turn_ = Ref::steal(PyObject_GetAttrString(self, "on_turn"));
  return on_turn_ && take_hooks(settings.hooks) && take_reasons(settings.hooks) &&
         scope_.open(settings.state) && garbage_.open(process_.gc);
}

bool AsgiEndpoint::take_hooks(PyObject* hooks) {
  const struct {
    Ref* place;
    const char* name;
  } rows[] = {
      {&hooks_.create_task, "create_task"},
      {&hooks_.create_future, "create_future"},
      {&hooks_.call_soon, "call_soon"},
      {&hooks_.listen, "listen"},
      {&hooks_.drain, "drain"},
      {&hooks_.send_later, "send_later"},
      {&hooks_.pause, "pause"},
      {&hooks_.stopping, "stopping"},
      {&hooks_.stopped, "stopped"},
      {&hooks_.die, "die"},
      {&hooks_.client_disconnected, "client_disconnected"},
      {&hooks_.is_disconnect, "is_disconnect"},
      {&hooks_.cancelled_error, "cancelled_error"},
      {&hooks_.coroutine_type, "coroutine_type"},
      {&hooks_.describe_wait, "describe_wait"},
  };
  for (const auto& row : rows) {
    *row.place = Ref::steal(PyObject_GetAttrString(hooks, row.name));
    if (!*row.place) return false;
  }
  return true;
}

bool AsgiEndpoint::take_reasons(PyObject* hooks) {
  const Ref all = Ref::steal(PyObject_GetAttrString(hooks, "reasons"));
  if (!all) return false;
  Py_ssize_t at = 0;
  PyObject *code, *phrase;
  while (PyDict_Next(all.get(), &at, &code, &phrase)) {
    const long number = PyLong_AsLong(code);
    if (number < 0 || number >= static_cast<long>(reasons_.size())) continue;
    Py_ssize_t bytes;
    const char* const text = PyUnicode_AsUTF8AndSize(phrase, &bytes);
    if (!text) return false;
    reasons_[static_cast<size_t>(number)].assign(text, static_cast<size_t>(bytes));
  }
  return !PyErr_Occurred();
}

void AsgiEndpoint::on_doorbell() {
  port_.silence_doorbell();
  look_at_watched();
  turn();
}

void AsgiEndpoint::on_turn() {
  turn_asked_ = false;
  turn();
}

void AsgiEndpoint::on_edge_gone() {
  for (const Ref& socket : all_sockets()) asgi_socket_of(socket.get()).edge_lost();
  taking_ = false;
  turn();
}

void AsgiEndpoint::look_at_watched() {
  for (size_t i = 0; i < watched_.size();) {
    AsgiRequest& request = *watched_[i];
    const Ref kept = Ref::share(request.self());
    if (request.look()) {
      ++i;
    } else {
      forget(request);
    }
  }
}

void AsgiEndpoint::watch(AsgiRequest& request) {
  if (request.watched_at != AsgiRequest::not_watched) return;
  request.watched_at = watched_.size();
  watched_.push_back(&request);
}

void AsgiEndpoint::forget(AsgiRequest& request) {
  if (request.watched_at == AsgiRequest::not_watched) return;
  watched_.back()->watched_at = request.watched_at;
  watched_[request.watched_at] = watched_.back();
  watched_.pop_back();
  request.watched_at = AsgiRequest::not_watched;
}

// One iteration of the loop: rings for what the last one has written, begins what may be begun.
void AsgiEndpoint::turn() {
  port_.end_sleep();
  port_.end_listening();
  port_.ring_put_off();
  const bool rung = look_at_sockets();
  const bool was_taking = taking_;
  taking_ = taking_ && !stop_requested() && !port_.closing() && !port_.edge_gone();
  // Told to stop while it slept, it still takes one: the bell may have been for a request that no
  // other worker was woken for.
  const bool began = taking_ ? take_requests() : was_taking && begin_request();
  if (was_taking && !taking_) {
    if (!Ref::steal(PyObject_CallNoArgs(hooks_.stopping.get()))) die();
  }
  // Those who were woken, or will be, may have something to send: one more turn before the bell is
  // waited for.
  if (began || rung || port_.has_put_off() || (port_.sockets() > 0 && !port_.begin_listening())) {
    ask_for_turn();
  } else if (taking_ && in_flight_ < in_flight_max_) {
    if (in_flight_ == 0) garbage_.idle();
    if (!port_.begin_sleep()) ask_for_turn();
  }
  stop_if_finished();
}

bool AsgiEndpoint::take_requests() {
  if (!port_.has_work() || in_flight_ >= in_flight_max_) {
    batch_ = 0;
    return false;
  }
  const i64 now = now_ns();
  const u32 count = std::min(batch_max(now), in_flight_max_ - in_flight_);
  batch_began_ns_ = now;
  batch_ = 0;
  while (batch_ < count && begin_request()) ++batch_;
  return batch_ > 0 || port_.has_work();
}

u32 AsgiEndpoint::batch_max(i64 now) {
  if (!process_.multiprocess) return in_flight_max_;
  if (batch_ > 0) {
    const i64 each = (now - batch_began_ns_) / batch_;
    request_ns_ += (each - request_ns_) / 4;
  }
  const i64 fits = batch_ns_max / std::max<i64>(request_ns_, 1);
  return std::min(static_cast<u32>(std::clamp<i64>(fits, 1, in_flight_max_)), fair_share(now));
}

// Whoever was woken together with us finds its part.
u32 AsgiEndpoint::fair_share(i64 now) {
  const channel::Mapping& mapping = *process_.mapping;
  if (now - endpoints_counted_ns_ > count_endpoints_every_ns) {
    endpoints_counted_ns_ = now;
    endpoints_ = 0;
    for (u32 i = 0; i < mapping.shape().endpoints; ++i) {
      if (mapping.endpoint(i).pid.load(std::memory_order_relaxed) != 0) ++endpoints_;
    }
    endpoints_ = std::max(endpoints_, 1u);
  }
  return static_cast<u32>(port_.waiting() / endpoints_ + 1);
}

// False: none waits.
bool AsgiEndpoint::begin_request() {
  const Ref object = Ref::steal(new_asgi_request(*this));
  if (!object) die();
  AsgiRequest& request = asgi_request_of(object.get());
  if (port_.closing() || port_.edge_gone() || !port_.take(request.taken())) return false;
  ++in_flight_;
  request.taken().owner = static_cast<AsgiCall*>(&request);
  if (port_.asks_for_socket()) return begin_socket(request);
  if (const u32 status = port_.socket_refusal(); status != 0) {
    refuse_socket(status);
    return true;
  }
  const Ref scope = Ref::steal(scope_.build(port_));
  if (!request.begin(app_.get(), scope.get())) die();
  return true;
}

i64 AsgiEndpoint::end_overdue(i64 limit_ns) {
  struct Overdue {
    Ref kept;
    AsgiCall* call;
    i64 age_ns;
  };
  // First who, then the end: logging and cancelling run code of others.
  std::vector<Overdue> all;
  i64 wait_ns = limit_ns;
  const i64 now = now_ns();
  for (const channel::TakenRequest* one = port_.oldest(); one != nullptr; one = one->newer) {
    const i64 age = now - one->taken_ns;
    if (age < limit_ns) {
      wait_ns = limit_ns - age;
      break;
    }
    auto* const call = static_cast<AsgiCall*>(one->owner);
    if (!call->is_timed_out()) all.push_back({Ref::share(call->self()), call, age});
  }
  for (const Overdue& one : all) one.call->time_out(one.age_ns);
  return wait_ns;
}

void AsgiEndpoint::ask_for_turn() {
  if (turn_asked_) return;
  turn_asked_ = true;
  if (!Ref::steal(call_with(hooks_.call_soon.get(), on_turn_.get()))) die();
}

void AsgiEndpoint::has_output() {
  if (port_.has_put_off()) ask_for_turn();
}

void AsgiEndpoint::socket_opened() {
  ++open_sockets_;
  if (in_flight_-- == in_flight_max_) ask_for_turn();
}

void AsgiEndpoint::socket_done(bool was_open) {
  if (!was_open) return done();
  --open_sockets_;
  process_.count_request();
  if (!taking_) ask_for_turn();
}

void AsgiEndpoint::done() {
  const bool was_full = in_flight_ == in_flight_max_;
  --in_flight_;
  garbage_.request_done();
  process_.count_request();
  if (was_full || !taking_) ask_for_turn();
}

void AsgiEndpoint::stop_if_finished() {
  if (taking_ || in_flight_ > 0 || open_sockets_ > 0 || port_.has_put_off() || stopped_) return;
  stopped_ = true;
  if (!Ref::steal(PyObject_CallNoArgs(hooks_.stopped.get()))) die();
}

bool AsgiEndpoint::is_done(PyObject* future) {
  const Ref done = Ref::steal(PyObject_CallMethodObjArgs(future, names().done, nullptr));
  if (!done) die();
  return done.get() == Py_True;
}

void AsgiEndpoint::set_done(PyObject* future) {
  if (is_done(future)) return;
  if (!Ref::steal(PyObject_CallMethodObjArgs(future, names().set_result, Py_None, nullptr))) die();
}

bool AsgiEndpoint::is_disconnect_error() {
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  const Ref answer = Ref::steal(call_with(hooks_.is_disconnect.get(), value));
  PyErr_Clear();
  PyErr_Restore(type, value, traceback);
  return answer.get() == Py_True;
}

PyObject* AsgiEndpoint::raise_disconnected() {
  PyErr_SetString(hooks_.client_disconnected.get(), "the client has closed the connection");
  return nullptr;
}

// Memory is short, or Python itself is broken: to go on would be to lose requests in silence.
void AsgiEndpoint::die() {
  const Ref never = Ref::steal(PyObject_CallNoArgs(hooks_.die.get()));
  _exit(1);
}

}  // namespace labcoat::python
