// AsgiEndpoint's part of WebSockets.
#include "python/asgi_endpoint.h"
#include "python/asgi_request.h"
#include "python/asgi_socket.h"

namespace labcoat::python {
namespace {

constexpr u16 code_restart = 1012;

}  // namespace

// The port has taken a request that asks for a WebSocket into `taker`, which is used for nothing.
bool AsgiEndpoint::begin_socket(AsgiRequest& taker) {
  const Ref object = Ref::steal(new_asgi_socket(*this));
  if (!object) die();
  AsgiSocket& socket = asgi_socket_of(object.get());
  port_.use(taker.taken());
  port_.move_to(socket.taken());
  socket.taken().owner = static_cast<AsgiCall*>(&socket);
  port_.open_socket();
  if (sockets_.empty()) sockets_.resize(process_.mapping->shape().slots);
  sockets_[socket.slot()] = &socket;
  const Ref scope = Ref::steal(scope_.build_socket(port_));
  if (!socket.begin(app_.get(), scope.get())) die();
  return true;
}

// The client got its asking wrong (EdgePort has said how); the app need not hear of it.
void AsgiEndpoint::refuse_socket(u32 status) {
  const bool version = status == 426;
  const channel::NameValue fields[] = {{"content-type", "text/plain; charset=utf-8"},
                                       {"sec-websocket-version", "13"}};
  const std::string_view text =
      version ? "the version of WebSocket is 13\n" : "this is no proper request for a WebSocket\n";
  const auto code = static_cast<u16>(version ? 426 : 400);
  port_.write_head(code, static_cast<i64>(text.size()), reasons_[code],
                   std::span(fields).first(version ? 2 : 1));
  port_.write_some(text);
  port_.finish(channel::WorkerPort::Ending::complete);
  done();
}

bool AsgiEndpoint::look_at_sockets() {
  if (sockets_.empty()) return false;
  return port_.for_each_rung([this](u32 slot) {
    if (!sockets_[slot]) return;
    const Ref kept = Ref::share(sockets_[slot]->self());
    sockets_[slot]->look();
  }) > 0;
}

void AsgiEndpoint::forget_socket(u32 slot) {
  sockets_[slot] = nullptr;
}

std::vector<Ref> AsgiEndpoint::all_sockets() const {
  std::vector<Ref> all;
  for (const AsgiSocket* socket : sockets_) {
    if (socket) all.push_back(Ref::share(socket->self()));
  }
  return all;
}

void AsgiEndpoint::close_sockets() {
  for (const Ref& socket : all_sockets()) {
    asgi_socket_of(socket.get()).close_with(code_restart, "the server is restarting");
  }
}

}  // namespace labcoat::python
