#include "lab/server.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"

namespace labcoat {
namespace {

namespace fs = std::filesystem;

constexpr i64 stop_patience_ns = 5 * seconds;
constexpr i64 validate_patience_ns = 20 * seconds;
constexpr size_t output_lines_shown = 12;

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<u16>(port));
  return address;
}

// A port that nobody used a moment ago. Somebody may take it before the server does; the caller
// then tries again.
Result<int> free_port() {
  const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (!socket || bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return fail_errno("cannot find a free port");
  }
  return static_cast<int>(ntohs(address.sin_port));
}

Fd connect_to(int port) {
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  if (!socket ||
      connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return Fd();
  }
  return socket;
}

// The status of one GET, or 0 when there was none within a second.
int http_status(int port, const std::string& path) {
  const Fd socket = connect_to(port);
  if (!socket) return 0;
  const std::string request =
      fmt::format("GET {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n", path, port);
  if (send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    return 0;
  }
  std::string head;
  const i64 deadline = now_ns() + 1 * seconds;
  while (head.size() < 12) {
    pollfd ready{socket.get(), POLLIN, 0};
    const i64 left = deadline - now_ns();
    if (left <= 0 || poll(&ready, 1, static_cast<int>(left / ms) + 1) <= 0) return 0;
    char buffer[64];
    const ssize_t got = recv(socket.get(), buffer, sizeof buffer, 0);
    if (got <= 0) return 0;
    head.append(buffer, static_cast<size_t>(got));
  }
  if (!head.starts_with("HTTP/1.")) return 0;
  return static_cast<int>(parse_int(std::string_view(head).substr(9, 3)).value_or(0));
}

}  // namespace

Placeholders placeholders_of(const Target& target, const AppUnderTest& app,
                             const KnobValues& values, const std::string& directory, int port) {
  std::error_code error;
  Placeholders out = {
      {"dir", directory},         {"app", app.callable},
      {"app_dir", app.directory}, {"config", app.config},
      {"python", app.python},     {"program", fs::read_symlink("/proc/self/exe", error).string()}};
  if (port != 0) out["port"] = std::to_string(port);
  for (const Knob& knob : target.knobs) {
    const auto value = values.find(knob.name);
    const std::string word = value == values.end() ? knob.default_value : value->second;
    auto text = knob.text.find(word);
    if (text == knob.text.end()) text = knob.text.find("*");
    out["knob." + knob.name] = text == knob.text.end() ? word : text->second;
  }
  // A mapped text may itself use {dir}: a log file of the arm's own, say.
  for (auto& [name, value] : out) {
    if (name.starts_with("knob.")) value = fill_text(value, {{"dir", directory}});
  }
  return out;
}

// What per-knob words of the command line say: changed values as their mapped text, and also
// unchanged ones whose text is another (a log file that must be the trial's own).
static KnobValues knobs_to_tell(const Target& target, const KnobValues& values,
                                const KnobValues& changed, const Placeholders& placeholders) {
  KnobValues out;
  for (const Knob& knob : target.knobs) {
    const auto value = values.find(knob.name);
    if (value == values.end()) continue;
    const std::string& text = placeholders.find("knob." + knob.name)->second;
    if (changed.count(knob.name) != 0 || text != value->second) out[knob.name] = text;
  }
  return out;
}

Server::Server(const Target& target, Placeholders values, KnobValues changed, std::string directory)
    : target_(target),
      values_(std::move(values)),
      changed_(std::move(changed)),
      directory_(std::move(directory)) {}

Result<std::unique_ptr<Server>> Server::start(const Target& target, const AppUnderTest& app,
                                              const KnobValues& values, const KnobValues& changed,
                                              const std::string& directory) {
  auto port = free_port();
  if (!port) return tl::unexpected(port.error());
  const Placeholders placeholders = placeholders_of(target, app, values, directory, *port);
  std::unique_ptr<Server> server(new Server(
      target, placeholders, knobs_to_tell(target, values, changed, placeholders), directory));
  server->port_ = *port;
  if (auto status = server->prepare(); !status) return tl::unexpected(status.error());
  Command command;
  command.argv = fill_argv(target.start, server->values_, server->changed_);
  command.directory = fill_text(target.run_in, server->values_);
  command.output_path = server->output_path();
  for (const auto& [name, value] : target.environment) {
    command.environment.emplace_back(name, fill_text(value, server->values_));
  }
  auto keeper = Keeper::start(command);
  if (!keeper) return tl::unexpected(keeper.error());
  server->keeper_ = std::move(*keeper);
  return server;
}

Server::~Server() {
  if (keeper_) keeper_->kill_all();
}

Status Server::prepare() {
  std::error_code error;
  fs::remove_all(directory_, error);
  fs::create_directories(directory_, error);
  if (error) return fail(fmt::format("cannot make {}: {}", directory_, error.message()));
  for (const TargetFile& file : target_.files) {
    const std::string path = directory_ + "/" + file.path;
    fs::create_directories(fs::path(path).parent_path(), error);
    if (auto status = write_file(path, fill_text(file.template_text, values_)); !status) {
      return status;
    }
  }
  if (target_.validate.empty()) return {};
  return run_once(target_.validate, "does not accept this configuration", validate_patience_ns);
}

Status Server::run_once(const ArgvTemplate& argv, const std::string& what, i64 timeout_ns) {
  Command command;
  command.argv = fill_argv(argv, values_, changed_);
  command.directory = fill_text(target_.run_in, values_);
  command.output_path = output_path();
  auto keeper = Keeper::start(command);
  if (!keeper) return tl::unexpected(keeper.error());
  const std::optional<int> status = (*keeper)->wait_exit(timeout_ns);
  if (!status) {
    return fail(
        fmt::format("{} {}: no answer after {}", target_.name, what, format_duration(timeout_ns)));
  }
  if (*status != 0) {
    return fail(
        fmt::format("{} {} ({}){}", target_.name, what, describe_exit(*status), last_output()));
  }
  return {};
}

bool Server::probe() {
  switch (target_.ready.kind) {
    case Ready::Kind::http: {
      const int status = http_status(port_, fill_text(target_.ready.path, values_));
      return status > 0 && status < 500;
    }
    case Ready::Kind::tcp:
      return static_cast<bool>(connect_to(port_));
    case Ready::Kind::exec:
      return run_once(target_.ready.argv, "is not ready", 5 * seconds).has_value();
  }
  return false;
}

Status Server::wait_ready() {
  const i64 deadline = now_ns() + target_.ready.timeout_ns;
  while (now_ns() < deadline) {
    if (auto why = died()) return fail(*why);
    if (probe()) return {};
    // Between two probes nothing is lost: an end of the server wakes this wait.
    keeper_->wait_exit(10 * ms);
  }
  return fail(fmt::format("{} was not ready after {}{}", target_.name,
                          format_duration(target_.ready.timeout_ns), last_output()));
}

std::optional<std::string> Server::died() {
  const std::optional<int> status = keeper_->wait_exit(0);
  if (!status) return std::nullopt;
  return fmt::format("{} ended with {}{}", target_.name, describe_exit(*status), last_output());
}

void Server::begin_stop() {
  if (stopping_ || target_.stop.signal == 0) return;
  keeper_->send_signal(target_.stop.signal);
  stopping_ = true;
}

void Server::stop() {
  begin_stop();
  if (!stopping_) {
    (void)run_once(target_.stop.argv, "does not stop", stop_patience_ns);
  }
  keeper_->wait_exit(stop_patience_ns);
  keeper_->kill_all();
}

std::string Server::last_output() const {
  auto text = read_file(output_path());
  if (!text || trim(*text).empty()) return "; it printed nothing";
  const std::vector<std::string_view> lines = split(trim(*text), '\n');
  const size_t from = lines.size() > output_lines_shown ? lines.size() - output_lines_shown : 0;
  std::string out = "; its last output:";
  for (size_t i = from; i < lines.size(); ++i) out += "\n    " + std::string(lines[i]);
  return out;
}

}  // namespace labcoat
