// Server: one arm's running server. It writes the arm's files from the target's templates, starts
// the command on a port of its own, waits until it is ready, and stops it the way the target says.
#pragma once

#include <memory>
#include <string>

#include "lab/keeper.h"
#include "lab/target.h"

namespace labcoat {

// What the study knows about the application under test; the same for every arm.
struct AppUnderTest {
  std::string callable;   // MODULE:CALLABLE, or empty
  std::string directory;  // absolute: where the application lies
  std::string config;     // absolute path of its labcoat.toml, or empty
  std::string python;     // interpreter to name to the server, or empty
};

class Server {
 public:
  // Starts with `values` for all knobs; `changed` are those that differ from what the target would
  // do by itself. `directory` (absolute) is emptied and becomes the trial's own folder. The error
  // holds the last lines of the server's output. The server may not be ready yet.
  static Result<std::unique_ptr<Server>> start(const Target& target, const AppUnderTest& app,
                                               const KnobValues& values, const KnobValues& changed,
                                               const std::string& directory);
  ~Server();

  // Waits until the target's readiness test holds. The error says why not, with the last lines of
  // output.
  Status wait_ready();
  // Asks it to stop by the target's signal and does not wait. A target that stops by a command is
  // left to stop().
  void begin_stop();
  // Asks it to stop, then makes it. Never fails.
  void stop();

  int port() const { return port_; }
  pid_t pid() const { return keeper_->server_pid(); }
  // nullopt while it runs; else why it ended, with its last output.
  std::optional<std::string> died();

 private:
  Server(const Target& target, Placeholders values, KnobValues changed, std::string directory);
  Status prepare();
  Status run_once(const ArgvTemplate& argv, const std::string& what, i64 timeout_ns);
  bool probe();
  std::string last_output() const;
  std::string output_path() const { return directory_ + "/output.log"; }

  const Target& target_;
  Placeholders values_;
  KnobValues changed_;
  std::string directory_;
  int port_ = 0;
  bool stopping_ = false;
  std::unique_ptr<Keeper> keeper_;
};

// The values that target.toml's placeholders stand for; `port` 0 leaves {port} out.
Placeholders placeholders_of(const Target& target, const AppUnderTest& app,
                             const KnobValues& values, const std::string& directory, int port);

}  // namespace labcoat
