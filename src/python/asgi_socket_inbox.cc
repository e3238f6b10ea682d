// What an AsgiSocket receives: frames of the inbox put together to messages, messages as events.
#include "python/asgi_endpoint.h"
#include "python/asgi_socket.h"
#include "python/names.h"
#include "python/ready.h"
#include "python/socket_event.h"

namespace labcoat::python {

using channel::FrameType;
using InboxFrame = channel::WorkerPort::InboxFrame;

PyObject* AsgiSocket::receive() {
  if (!may_call()) return nullptr;
  const bool pauses = is_turn_over();
  if (!pauses) {
    if (PyObject* const event = next_event()) return new_ready(Ref::steal(event));
    if (PyErr_Occurred()) return nullptr;
  }
  return new_socket_event(self_, pauses);
}

PyObject* AsgiSocket::next_event() {
  if (!std::exchange(connect_given_, true)) return event_of(names().websocket_connect).release();
  refresh();
  if (!messages_.empty()) {
    const Message message = std::move(messages_.front());
    messages_.pop_front();
    return message_event(message.text, message.bytes);
  }
  if (!holds_slot_) return disconnect_event();
  if (state_ != State::open) return nullptr;
  InboxFrame frame;
  PyObject* event = nullptr;
  channel::WorkerPort& port = endpoint_.port();
  while (port.next_in_inbox(frame)) {
    if (frame.type == FrameType::close) {
      let_go();
      return disconnect_event();
    }
    const bool whole = take_frame(frame, event);
    port.done_in_inbox();
    if (whole) break;
  }
  endpoint_.has_output();  // the edge may have waited for room
  return event;
}

// True: it was the last piece of a message, and this is its event.
bool AsgiSocket::take_frame(const InboxFrame& frame, PyObject*& event) {
  const bool text = frame.type == FrameType::text;
  const bool last = text || frame.type == FrameType::binary;
  if (last && partial_.empty() && frame.more.empty()) {
    event = message_event(text, frame.data);
    return true;
  }
  partial_.append(frame.data).append(frame.more);
  if (!last) return false;
  event = message_event(text, partial_);
  partial_ = std::string();
  return true;
}

PyObject* AsgiSocket::message_event(bool text, std::string_view bytes) const {
  const Names& n = names();
  const auto size = static_cast<Py_ssize_t>(bytes.size());
  // The edge has checked that it is UTF-8.
  const Ref value = Ref::steal(text ? PyUnicode_DecodeUTF8(bytes.data(), size, nullptr)
                                    : PyBytes_FromStringAndSize(bytes.data(), size));
  Ref event = value ? event_of(n.websocket_receive) : Ref();
  if (!event || PyDict_SetItem(event.get(), text ? n.text : n.bytes, value.get()) < 0) {
    return nullptr;
  }
  return event.release();
}

PyObject* AsgiSocket::disconnect_event() const {
  const Names& n = names();
  const Ref code = Ref::steal(PyLong_FromLong(code_));
  const Ref reason = Ref::steal(
      PyUnicode_DecodeUTF8(reason_.data(), static_cast<Py_ssize_t>(reason_.size()), "replace"));
  Ref event = code && reason ? event_of(n.websocket_disconnect) : Ref();
  if (!event || PyDict_SetItem(event.get(), n.code, code.get()) < 0 ||
      PyDict_SetItem(event.get(), n.reason, reason.get()) < 0) {
    return nullptr;
  }
  return event.release();
}

// What has arrived stays readable when the slot is given back.
void AsgiSocket::keep_inbox() {
  if (state_ != State::open) return;
  channel::WorkerPort& port = endpoint_.port();
  InboxFrame frame;
  while (port.next_in_inbox(frame)) {
    if (frame.type == FrameType::close) {
      code_ = frame.close_code;
      reason_.assign(frame.data).append(frame.more);
    } else {
      partial_.append(frame.data).append(frame.more);
      if (frame.type == FrameType::text || frame.type == FrameType::binary) {
        messages_.push_back({frame.type == FrameType::text, std::move(partial_)});
        partial_ = std::string();
      }
    }
    port.done_in_inbox();
  }
}

Ref AsgiSocket::wait_for_event() {
  Ref future = Ref::steal(new_waiter(readers_));
  if (!future) return {};
  refresh();
  if (!holds_slot_ || endpoint_.port().ask_for_message()) wake(readers_);
  return future;
}

}  // namespace labcoat::python
