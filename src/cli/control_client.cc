#include "cli/control_client.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/control_place.h"
#include "config/reader.h"
#include "config/settings.h"

namespace labcoat {
namespace {

constexpr int about_timeout_ms = 2000;
constexpr int details_timeout_ms = 10'000;

std::string current_directory() {
  std::error_code error;
  return std::filesystem::current_path(error).string();
}

// Every socket in the runtime directories. Those that a killed server left behind are removed.
std::vector<std::string> sockets() {
  std::vector<std::string> out;
  for (const std::string& directory : runtime_directories()) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
      if (pid_of_control(entry.path().string()) != 0) out.push_back(entry.path().string());
    }
  }
  return out;
}

std::string text_of(const Fd& file) {
  std::string text;
  char bytes[16 * 1024];
  for (;;) {
    const ssize_t got = pread(file.get(), bytes, sizeof bytes, static_cast<off_t>(text.size()));
    if (got <= 0) return text;
    text.append(bytes, static_cast<size_t>(got));
  }
}

Result<Json> parsed(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) {
    return fail("the server's answer makes no sense: is it of the same version?");
  }
  return json;
}

// The path that the configuration names; empty when it names none, or cannot be read.
std::string configured_path(const ServerChoice& choice) {
  const auto config = config::read_config({.file = choice.config_file}, {current_directory(), 1});
  return config && config->control != "off" ? config->control : "";
}

}  // namespace

Result<ControlClient> ControlClient::connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail(path + " is too long for a socket");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket) return fail_errno("cannot create a socket");
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    if (error == ECONNREFUSED && pid_of_control(path) != 0) unlink(path.c_str());
    return fail(fmt::format("no labcoat listens on {}: {}", path, errno_text(error)));
  }
  ControlClient client;
  client.socket_ = net::MessageSocket(std::move(socket));
  auto about = client.ask({{"type", "about"}}, about_timeout_ms);
  if (!about) return tl::unexpected(about.error());
  client.about_ = std::move(*about);
  if (!client.about_.contains("pid") || !client.about_.contains("directory")) {
    return fail("what listens on " + path + " is no labcoat of this version");
  }
  return client;
}

Result<ControlClient> ControlClient::find(const ServerChoice& choice) {
  if (!choice.control.empty()) return connect(choice.control);
  if (choice.pid != 0) {
    for (const std::string& path : sockets()) {
      if (pid_of_control(path) == choice.pid) return connect(path);
    }
    return fail(fmt::format("no labcoat with the process id {} runs for this user", choice.pid));
  }
  const std::string path = configured_path(choice);
  return path.empty() ? search(choice) : connect(path);
}

bool ControlClient::is_meant(const std::string& config_file, const std::string& directory) const {
  const std::string theirs = about_.value("config", "");
  if (!config_file.empty()) return theirs == config_file;
  return about_.at("directory") == directory ||
         (!theirs.empty() && std::filesystem::path(theirs).parent_path() == directory);
}

Result<ControlClient> ControlClient::search(const ServerChoice& choice) {
  const std::string directory = current_directory();
  std::string file = choice.config_file;
  if (!file.empty()) file = config::absolute_path(file, directory);
  std::vector<ControlClient> meant;
  std::string others;
  for (const std::string& path : sockets()) {
    auto client = connect(path);
    if (!client) continue;
    if (client->is_meant(file, directory)) {
      meant.push_back(std::move(*client));
    } else {
      others += fmt::format("\n  --pid {}  ({})", client->pid(), client->directory());
    }
  }
  if (meant.size() == 1) return std::move(meant.front());
  const std::string place = file.empty() ? "in " + directory : "with " + file;
  if (meant.empty()) {
    std::string text = fmt::format("no labcoat serve runs {}", place);
    if (!others.empty()) text += "; running elsewhere:" + others;
    return fail(text);
  }
  std::string text = fmt::format("{} servers run {}; name one:", meant.size(), place);
  for (const ControlClient& client : meant) text += fmt::format("\n  --pid {}", client.pid());
  return fail(text);
}

Result<net::SocketMessage> ControlClient::exchange(const Json& request, int timeout_ms) {
  if (const Status sent = socket_.send(request.dump()); !sent) {
    return fail("the server is gone, or takes no more commands");
  }
  pollfd wait{socket_.fd(), POLLIN, 0};
  int ready;
  do {
    ready = poll(&wait, 1, timeout_ms);
  } while (ready < 0 && errno == EINTR);
  if (ready <= 0) return fail("the server does not answer: its supervisor is stopped or stuck");
  net::SocketMessage message;
  if (socket_.receive(message) != net::MessageSocket::Receive::message) {
    return fail("the server ended before it answered");
  }
  return message;
}

void ControlClient::wait_for_end() {
  net::SocketMessage message;
  while (socket_.receive(message) != net::MessageSocket::Receive::closed) {
    pollfd wait{socket_.fd(), POLLIN, 0};
    poll(&wait, 1, -1);
  }
}

Result<Json> ControlClient::ask(const Json& request, int timeout_ms) {
  auto message = exchange(request, timeout_ms);
  if (!message) return tl::unexpected(message.error());
  return parsed(message->text);
}

Result<Json> ControlClient::ask_details(const Json& request) {
  auto message = exchange(request, details_timeout_ms);
  if (!message) return tl::unexpected(message.error());
  if (!message->fds.empty()) return parsed(text_of(message->fds[0]));
  const auto answer = parsed(message->text);
  if (!answer) return answer;
  return fail(answer->value("text", "the server sent no answer"));
}

}  // namespace labcoat
