// Target: a server that can be tuned, described by a folder: target.toml and templates of its
// configuration files. Adding a server needs a folder and no C++. docs/tune.md explains every key.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "lab/argv_template.h"
#include "lab/knob.h"

namespace labcoat {

// A signal for the server's main process, or a command.
struct StopOrReload {
  int signal = 0;  // 0: use argv
  ArgvTemplate argv;
};

struct Ready {
  enum class Kind { http, tcp, exec };
  Kind kind = Kind::tcp;
  std::string path;   // of http: any answer below 500 means ready
  ArgvTemplate argv;  // of exec: exit 0 means ready
  i64 timeout_ns = 10 * seconds;
};

struct Workload {
  std::string http_path = "/";  // what is asked when the study names no URLs
  ArgvTemplate exec;            // instead of HTTP: a command that measures by itself …
  std::string metric;           // … and a regular expression whose first group is the result
};

struct TargetFile {
  std::string path;  // relative to the trial's folder
  std::string template_text;
};

// A knob that means nothing unless another one leaves its default: a synchronous log without a log.
struct Need {
  std::string knob;
  std::string needed_knob;
  std::string needed_value;
};

struct Target {
  std::string name;
  std::string folder;  // where target.toml lies
  ArgvTemplate start;
  std::string run_in;  // default "{dir}"
  std::vector<std::pair<std::string, std::string>> environment;
  ArgvTemplate validate;  // empty: nothing to run
  StopOrReload reload;
  StopOrReload stop;
  Ready ready;
  Workload workload;
  std::vector<TargetFile> files;
  std::vector<Knob> knobs;
  std::vector<Need> needs;
  bool own_options = false;  // knobs = "options": the rows of labcoat's own settings are the knobs
  // Which knobs to ask first, given what the baseline waits for; knobs not named come after, in
  // their order.
  std::vector<std::string> first_when_cpu;
  std::vector<std::string> first_when_waiting;
  std::vector<std::string> first_when_failing;
};

// Reads folder/target.toml and the templates it names. Errors name file, line, key and the nearest
// known key. `own_knobs` stand in for knobs = "options".
Result<Target> read_target(const std::string& folder, const std::vector<Knob>& own_knobs);

// The folder of a built-in target, looked for beside the program and in its source tree, or `word`
// itself when it is a folder with a target.toml. The error lists what there is.
Result<std::string> find_target(const std::string& word);

}  // namespace labcoat
