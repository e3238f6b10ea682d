// ControlServer is where people's commands reach the supervisor: `labcoat status`, `stacks`,
// `reload` and `stop` connect to its UNIX socket (docs/formats/control.md). Only the user that runs
// the supervisor, and root, may.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "supervisor/control_link.h"

namespace labcoat::supervisor {

// Not movable: the loop holds its address. `loop` outlives it.
class ControlServer final : private net::Watcher {
 public:
  static constexpr size_t clients_max = 32;  // who comes then is hung up on

  // Called for every message, on the loop's thread; the client's number is for answer(). False: it
  // makes no sense, and the client is hung up on.
  using OnRequest = std::function<bool(int client, const Json& request)>;

  // Makes the socket, mode 0600. A name that a dead server left behind is taken over; one where
  // somebody listens, or that is no socket, is an error.
  static Result<std::unique_ptr<ControlServer>> open(net::Loop& loop, const std::string& path,
                                                     OnRequest on_request);
  ~ControlServer();  // the name goes with it
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  // `details` may be large: it travels in a file in memory beside the message. A client that has
  // gone meanwhile is no error.
  void answer(int client, const Json& message);
  void answer(int client, const Json& message, const Json& details);
  // Forgets clients that have gone. Not from inside on_request.
  void sweep();
  const std::string& path() const { return path_; }

 private:
  struct Client {
    int number;
    std::unique_ptr<ControlLink> link;
  };

  ControlServer(net::Loop& loop, std::string path, OnRequest on_request)
      : loop_(loop), path_(std::move(path)), on_request_(std::move(on_request)) {}
  Status listen();
  void on_events(u32 events) override;

  net::Loop& loop_;
  std::string path_;
  OnRequest on_request_;
  Fd socket_;
  int last_number_ = 0;
  std::list<Client> clients_;
};

}  // namespace labcoat::supervisor
