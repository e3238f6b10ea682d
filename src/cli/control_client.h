// ControlClient is what `labcoat status`, `top`, `stacks`, `reload` and `stop` have of a running
// server: its control socket, found by what the user said or where the user stands.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "net/message_socket.h"

namespace labcoat {

using Json = nlohmann::json;

// Which server is meant. Nothing named: the one that was started in this directory, or with a
// configuration file of it.
struct ServerChoice {
  std::string config_file;  // -c
  std::string control;      // --control PATH
  int pid = 0;              // --pid
};

class ControlClient {
 public:
  // The error says what was looked for, and which servers of this user run instead.
  static Result<ControlClient> find(const ServerChoice& choice);

  // Asks and waits for the answer, at most `timeout_ms` (-1: as long as it takes).
  Result<Json> ask(const Json& request, int timeout_ms);
  // The same, for the answers that come in a file beside the message; waits ten seconds.
  Result<Json> ask_details(const Json& request);

  // Until the server is gone.
  void wait_for_end();

  int pid() const { return about_.at("pid"); }
  const std::string& directory() const {
    return about_.at("directory").get_ref<const std::string&>();
  }

 private:
  ControlClient() {}  // not defaulted: that would promise that no member throws
  static Result<ControlClient> connect(const std::string& path);
  static Result<ControlClient> search(const ServerChoice& choice);
  Result<net::SocketMessage> exchange(const Json& request, int timeout_ms);
  bool is_meant(const std::string& config_file, const std::string& directory) const;

  net::MessageSocket socket_;
  Json about_;
};

}  // namespace labcoat
