#include "edge/edge_process.h"

#include <algorithm>
#include <arpa/inet.h>
#include <atomic>
#include <fcntl.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <signal.h>
#include <span>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "base/text.h"
#include "clients/client_limits.h"
#include "config/json.h"
#include "edge/edge_thread.h"
#include "edge/status_page.h"
#include "edge/worker_link.h"
#include "net/handshakes.h"
#include "net/message_socket.h"

namespace labcoat::edge {
namespace {

using Json = nlohmann::json;

// When the edge drains, the sockets are closed as soon as nobody is about to connect. A server's
// part of a handshake that was lost is said again after one second.
constexpr i64 door_open_max_ns = 1500 * ms;
constexpr int door_look_ms = 10;
// When the edge stops at once, WebSockets have so long to answer that they are closed.
constexpr i64 farewell_max_ns = 250 * ms;

Json parse_message(const std::string& text) {
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

bool begins_with_proxy_header(const config::Config& config, std::string_view url) {
  const auto words = split(config.proxy_protocol, ' ');
  return config.proxy_protocol == "on" || std::find(words.begin(), words.end(), url) != words.end();
}

// The control thread: the process's main thread. Everything of a request happens on the edge
// threads.
class EdgeProcess final : public net::Watcher {
 public:
  EdgeProcess(net::MessageSocket control, std::unique_ptr<net::Loop> loop)
      : control_(std::move(control)), loop_(std::move(loop)) {}

  int run();
  void on_events(u32 events) override;

 private:
  Status start(net::SocketMessage first);
  Status take_listeners(const Json& message, std::vector<Fd> fds);
  Status keep_certificates(const Fd& of_edge_before);
  Status start_threads();
  void handle(net::SocketMessage message);
  Status adopt(const std::vector<Fd>& fds);
  void adopt_logs();
  void reopen_logs();
  Status add_channel(const Json& message, std::vector<Fd> fds);
  std::unique_ptr<LineShare> make_line_share(size_t app);
  Status add_worker(const Json& message, std::vector<Fd> fds);
  void bury_worker(const Json& message);
  Status note_memory(const Json& message);
  void drain();
  void stop();
  bool has_stopped() const;
  void see_last_clients_in();
  bool clients_at_door() const;
  void close_client_listeners();
  Result<size_t> app_index(const Json& message) const;
  void tell(const Json& message, std::span<const int> fds = {});
  void protocol_error(const std::string& text);

  net::MessageSocket control_;
  std::unique_ptr<net::Loop> loop_;
  config::Config config_;
  EdgeShared shared_;
  std::vector<Fd> listener_sockets_;
  std::vector<std::unique_ptr<EdgeThread>> threads_;
  std::unique_ptr<StatusPages> pages_;
  std::vector<std::thread> running_;
  std::vector<std::unique_ptr<WorkerLink>> links_;
  size_t threads_serving_ = 0;
  i64 door_closes_ns_ = 0;  // at the latest; 0: it is not about to
  i64 stops_ns_ = 0;        // the same of the end
  bool lost_supervisor_ = false;
  bool logs_wait_ = false;  // those of the configuration in force could not be opened
  bool broken_ = false;
};

int EdgeProcess::run() {
  // The first messages are waited for: configuration, then one channel per app; after that the
  // threads can start.
  while (running_.empty()) {
    net::SocketMessage message;
    switch (control_.receive(message)) {
      case net::MessageSocket::Receive::closed:
        return 1;
      case net::MessageSocket::Receive::nothing_yet: {
        pollfd readable{control_.fd(), POLLIN, 0};
        ::poll(&readable, 1, -1);
        continue;
      }
      case net::MessageSocket::Receive::message:
        break;
    }
    Status status;
    if (pages_ == nullptr) {
      status = start(std::move(message));
    } else {
      handle(std::move(message));
    }
    if (status && pages_ != nullptr && shared_.channels.size() == config_.apps.size()) {
      status = start_threads();
    }
    if (!status || broken_) {
      if (!status) tell({{"type", "failed"}, {"text", status.error().text}});
      return 1;
    }
  }
  if (auto watched = loop_->watch(control_.fd(), EPOLLIN, *this); !watched) {
    protocol_error(watched.error().text);
  } else {
    tell({{"type", "ready"}});
  }
  while (threads_serving_ > 0 && !broken_ && !lost_supervisor_ && !has_stopped()) {
    loop_->run_once(door_closes_ns_ == 0 && stops_ns_ == 0 ? -1 : door_look_ms);
    if (door_closes_ns_ != 0) see_last_clients_in();
  }
  for (const auto& thread : threads_) thread->stop();
  for (std::thread& thread : running_) thread.join();
  links_.clear();
  // Requests that are given up hold the logs that they began with.
  threads_.clear();
  shared_.request_log.reset();
  return broken_ || lost_supervisor_ ? 1 : 0;
}

Status EdgeProcess::start(net::SocketMessage first) {
  const Json message = parse_message(first.text);
  if (!message.is_object() || message.value("type", "") != "start" || first.fds.empty()) {
    return fail("the edge expects a start message first");
  }
  auto text = read_file("/proc/self/fd/" + std::to_string(first.fds[0].get()));
  if (!text) return tl::unexpected(text.error());
  auto config = config::from_json(*text);
  if (!config) return tl::unexpected(config.error());
  config_ = std::move(*config);
  shared_.config = &config_;
  const config::Limits& limits = config_.limits;
  shared_.request_limits = {
      .target_bytes_max = static_cast<size_t>(limits.request_target_bytes),
      .header_bytes_max = static_cast<size_t>(limits.request_header_bytes),
      .fields_max = std::min<size_t>(static_cast<size_t>(limits.request_fields),
                                     http::RequestHead::fields_capacity)};
  // The built-in types do when the system has no list.
  [[maybe_unused]] const Status types = shared_.mime_types.load("/etc/mime.types");
  std::vector<Fd> sockets;
  for (size_t i = 1; i < first.fds.size(); ++i) sockets.push_back(std::move(first.fds[i]));
  Fd certificates;
  if (message.value("certificates", false) && !sockets.empty()) {
    certificates = std::move(sockets.back());
    sockets.pop_back();
  }
  if (auto taken = take_listeners(message, std::move(sockets)); !taken) return taken;
  auto rules = EdgeRules::build(config_, shared_.mime_types, config_.routes, shared_.listeners);
  if (!rules) return tl::unexpected(rules.error());
  shared_.set_rules(std::move(*rules));
  auto log = logs::RequestLog::open(config_);
  if (!log && !message.value("first", true)) {
    spdlog::error("requests are not logged: {}; mend that, then send USR1", log.error().text);
    config::Config silent = config_;
    silent.access_log = silent.slow_log = "off";
    log = logs::RequestLog::open(silent);
    logs_wait_ = true;
  }
  if (!log) return tl::unexpected(log.error());
  shared_.request_log = std::move(*log);
  shared_.client_limits = std::make_shared<clients::ClientLimits>(config_);
  shared_.report_corrupt = [this](size_t app, u32 endpoint) {
    loop_->post([this, app, endpoint] {
      tell({{"type", "corrupt"},
            {"app", config_.apps[app].name},
            {"endpoints", std::vector<u32>{endpoint}}});
    });
  };
  pages_ = std::make_unique<StatusPages>(shared_, threads_);
  shared_.admin = pages_.get();
  if (!config_.tls.certificates.empty()) {
    if (auto kept = keep_certificates(certificates); !kept) return kept;
  }
  return {};
}

Status EdgeProcess::keep_certificates(const Fd& of_edge_before) {
  std::optional<net::TlsFiles> kept;
  if (of_edge_before) {
    if (auto saved = net::TlsFiles::saved(of_edge_before.get())) {
      kept.emplace(std::move(*saved));
    } else {
      spdlog::warn("{}", saved.error().text);
    }
  }
  const auto keep = [this](const net::TlsFiles& files) {
    const auto file = files.save();
    if (!file) {
      spdlog::warn("the certificates are not kept for the next edge: {}", file.error().text);
      return;
    }
    const int fds[] = {file->get()};
    tell({{"type", "certificates"}}, fds);
  };
  auto keeper = TlsKeeper::create(config_.tls, keep, std::move(kept));
  if (!keeper) return tl::unexpected(keeper.error());
  shared_.tls = std::move(*keeper);
  return shared_.tls->watch(*loop_);
}

Status EdgeProcess::take_listeners(const Json& message, std::vector<Fd> fds) {
  const auto admin_count = message.value("admin_listeners", size_t{0});
  if (admin_count > fds.size()) return fail("the start message names more listeners than came");
  const Json urls = message.value("listeners", Json::array());
  for (size_t i = 0; i < fds.size(); ++i) {
    clients::ListenerInfo info;
    info.socket = fds[i].get();
    info.admin = i >= fds.size() - admin_count;
    const std::string url =
        urls.is_array() && i < urls.size() ? urls[i].value("url", "") : std::string();
    info.https = url.starts_with("https://");
    info.unix_socket = url.starts_with("unix:");
    info.proxy_protocol = !info.admin && i < config_.listen.size() &&
                          begins_with_proxy_header(config_, config_.listen[i].url);
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    char text[INET6_ADDRSTRLEN] = "localhost";
    if (getsockname(info.socket, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
      return fail_errno("a listening socket is not usable");
    }
    if (address.ss_family == AF_INET) {
      const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
      inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
      info.port = ntohs(v4.sin_port);
    } else if (address.ss_family == AF_INET6) {
      const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
      inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
      info.port = ntohs(v6.sin6_port);
    } else {
      info.port = 80;
    }
    info.server_name = text;
    if (::fcntl(info.socket, F_SETFL, O_NONBLOCK) != 0) {
      return fail_errno("a listening socket is not usable");
    }
    shared_.listeners.push_back(info);
    listener_sockets_.push_back(std::move(fds[i]));
  }
  return {};
}

Status EdgeProcess::start_threads() {
  for (int i = 0; i < config_.edge_threads; ++i) {
    auto thread = EdgeThread::create(shared_, i);
    if (!thread) return tl::unexpected(thread.error());
    threads_.push_back(std::move(*thread));
  }
  threads_serving_ = threads_.size();
  for (const auto& thread : threads_) {
    running_.emplace_back(
        [this, &thread] { thread->run([this] { loop_->post([this] { --threads_serving_; }); }); });
  }
  return {};
}

void EdgeProcess::on_events(u32) {
  for (;;) {
    net::SocketMessage message;
    switch (control_.receive(message)) {
      case net::MessageSocket::Receive::nothing_yet:
        return;
      case net::MessageSocket::Receive::closed:
        lost_supervisor_ = true;
        return;
      case net::MessageSocket::Receive::message:
        // A message whose members have other types than they should: the library throws, we end.
        try {
          handle(std::move(message));
        } catch (const Json::exception& error) {
          protocol_error(error.what());
        }
    }
  }
}

void EdgeProcess::handle(net::SocketMessage message) {
  const Json json = parse_message(message.text);
  const std::string type = json.is_object() ? json.value("type", "") : "";
  Status status;
  if (type == "channel") {
    status = add_channel(json, std::move(message.fds));
  } else if (type == "worker") {
    status = add_worker(json, std::move(message.fds));
  } else if (type == "worker_gone") {
    bury_worker(json);
  } else if (type == "memory") {
    status = note_memory(json);
  } else if (type == "drain") {
    drain();
  } else if (type == "stop") {
    stop();
  } else if (type == "config") {
    status = adopt(message.fds);
  } else if (type == "reload_tls") {
    if (shared_.tls) shared_.tls->reload();
  } else if (type == "reopen_logs") {
    reopen_logs();
  } else {
    status = fail("the edge does not know the message '" + type + "'");
  }
  if (!status) protocol_error(status.error().text);
}

// What it cannot be done with does no harm: what is in force stays.
Status EdgeProcess::adopt(const std::vector<Fd>& fds) {
  if (fds.empty()) return fail("a config message lacks its descriptor");
  auto text = read_file("/proc/self/fd/" + std::to_string(fds[0].get()));
  if (!text) return tl::unexpected(text.error());
  auto config = config::from_json(*text);
  if (!config) return tl::unexpected(config.error());
  auto rules =
      EdgeRules::build(std::move(*config), shared_.mime_types, config_.routes, shared_.listeners);
  if (!rules) {
    spdlog::error("the routes in force stay, for the new ones cannot be used: {}",
                  rules.error().text);
    return {};
  }
  if (shared_.tls) shared_.tls->adopt((*rules)->config.tls);
  shared_.set_rules(*rules);
  adopt_logs();
  for (const auto& thread : threads_) thread->adopt(*rules);
  return {};
}

void EdgeProcess::adopt_logs() {
  const auto adopted = shared_.request_log->adopt(shared_.rules()->config);
  logs_wait_ = !adopted;
  if (!adopted) {
    spdlog::error(
        "the logs in force stay, for the new ones cannot be used: {}; mend that, then "
        "send USR1",
        adopted.error().text);
    return;
  }
  for (const auto& thread : threads_) thread->adopt(shared_.request_log->rules());
}

void EdgeProcess::reopen_logs() {
  shared_.request_log->reopen();
  if (logs_wait_) adopt_logs();
}

Result<size_t> EdgeProcess::app_index(const Json& message) const {
  const std::string name = message.value("app", "");
  for (size_t i = 0; i < config_.apps.size(); ++i) {
    if (config_.apps[i].name == name) return i;
  }
  return fail("the edge has no app named '" + name + "'");
}

Status EdgeProcess::add_channel(const Json& message, std::vector<Fd> fds) {
  const auto app = app_index(message);
  if (!app) return tl::unexpected(app.error());
  if (*app != shared_.channels.size() || fds.empty()) {
    return fail("channels must come in the order of the apps, each once");
  }
  Fd memfd = std::move(fds.front());
  fds.erase(fds.begin());
  auto channel = channel::EdgeChannel::open(std::move(memfd), std::move(fds));
  if (!channel) return tl::unexpected(channel.error());
  shared_.body_files.push_back(std::make_unique<BodyFiles>((*channel)->mapping().shape().slots));
  shared_.lines.push_back(make_line_share(shared_.channels.size()));
  shared_.memory_counts.push_back(std::make_unique<MemoryCounts>());
  shared_.channels.push_back(std::move(*channel));
  return {};
}

std::unique_ptr<LineShare> EdgeProcess::make_line_share(size_t app) {
  auto share = std::make_unique<LineShare>();
  const auto rules = shared_.rules();
  for (size_t i = 0; i < rules->router.size(); ++i) {
    const routes::Route& route = rules->router.route(i);
    const i64 places = route.app == static_cast<int>(app) ? route.config.max_concurrent : 0;
    const i64 waiting = route.config.max_waiting >= 0 ? route.config.max_waiting
                                                      : std::max(1, config_.limits.queue / 4);
    share->places.push_back(places > 0 ? std::make_unique<RoutePlaces>(places, waiting) : nullptr);
  }
  share->give_place = [this, app](int thread, int route) {
    threads_[static_cast<size_t>(thread)]->give_place(app, route);
  };
  return share;
}

Status EdgeProcess::add_worker(const Json& message, std::vector<Fd> fds) {
  const auto app = app_index(message);
  if (!app) return tl::unexpected(app.error());
  const auto endpoints = message.value("endpoints", std::vector<u32>{});
  if (fds.size() != endpoints.size() + 1) return fail("a worker message lacks descriptors");
  for (size_t i = 0; i < endpoints.size(); ++i) {
    if (!shared_.channels[*app]->add_endpoint(endpoints[i], std::move(fds[i + 1]))) {
      return fail("endpoint " + std::to_string(endpoints[i]) + " is in use or out of range");
    }
  }
  links_.push_back(std::make_unique<WorkerLink>(*app, message.value("pid", i64{0}), endpoints,
                                                std::move(fds[0]), *loop_, shared_, threads_));
  return {};
}

void EdgeProcess::bury_worker(const Json& message) {
  const i64 pid = message.value("pid", i64{0});
  const auto app = app_index(message);
  if (!app) {
    protocol_error(app.error().text);
    return;
  }
  const auto endpoints = message.value("endpoints", std::vector<u32>{});
  const auto link = std::find_if(links_.begin(), links_.end(), [&](const auto& one) {
    return one->app() == *app && one->endpoints() == endpoints;
  });
  if (link != links_.end()) {
    // A file it sent before it died may belong to a complete answer.
    (*link)->read_all();
    links_.erase(link);
  }
  const auto left = std::make_shared<std::atomic<size_t>>(endpoints.size() * threads_.size());
  const Json answer = {{"type", "endpoints_free"},
                       {"app", config_.apps[*app].name},
                       {"pid", pid},
                       {"endpoints", endpoints}};
  if (*left == 0) tell(answer);
  for (const u32 endpoint : endpoints) {
    shared_.channels[*app]->remove_endpoint(endpoint);
    for (const auto& thread : threads_) {
      thread->bury(*app, endpoint, [this, left, answer] {
        if (left->fetch_sub(1) == 1) loop_->post([this, answer] { tell(answer); });
      });
    }
  }
}

Status EdgeProcess::note_memory(const Json& message) {
  const auto app = app_index(message);
  if (!app) return tl::unexpected(app.error());
  if (*app >= shared_.memory_counts.size()) return fail("a memory message before its channel");
  MemoryCounts& counts = *shared_.memory_counts[*app];
  counts.drained_first = message.at("drained_first").get<u64>();
  counts.recycled_for_cgroup = message.at("recycled_for_cgroup").get<u64>();
  counts.scale_ups_refused = message.at("scale_ups_refused").get<u64>();
  return {};
}

void EdgeProcess::drain() {
  if (shared_.draining.exchange(true, std::memory_order_relaxed)) return;
  for (const clients::ListenerInfo& listener : shared_.listeners) {
    if (listener.admin) continue;
    // Without the right to it only those are lost who connect while the socket is closed.
    if (auto stopped = net::stop_new_handshakes(listener.socket); !stopped) {
      spdlog::warn("{}", stopped.error().text);
    }
  }
  for (const auto& thread : threads_) thread->drain();
  door_closes_ns_ = now_ns() + door_open_max_ns;
  see_last_clients_in();
}

// Nobody waits for answers any more; but who has a WebSocket shall know that it was not the
// network.
void EdgeProcess::stop() {
  if (running_.empty()) {
    broken_ = true;
    return;
  }
  drain();
  if (stops_ns_ == 0) stops_ns_ = now_ns() + farewell_max_ns;
}

bool EdgeProcess::has_stopped() const {
  if (stops_ns_ == 0) return false;
  return now_ns() >= stops_ns_ ||
         std::all_of(threads_.begin(), threads_.end(), [](const auto& thread) {
           return thread->counters().websockets_open.get() == 0;
         });
}

// Whoever has begun to connect is accepted before the sockets are closed: the kernel would reset
// them.
void EdgeProcess::see_last_clients_in() {
  if (clients_at_door() && now_ns() < door_closes_ns_) return;
  door_closes_ns_ = 0;
  const auto left = std::make_shared<std::atomic<size_t>>(threads_.size());
  for (const auto& thread : threads_) {
    thread->stop_accepting();
    // Posts run in order: by then this thread has forgotten the sockets. Closed, they refuse; open,
    // they would let clients connect and wait for nobody.
    thread->loop().post([this, left] {
      if (left->fetch_sub(1) == 1) loop_->post([this] { close_client_listeners(); });
    });
  }
}

bool EdgeProcess::clients_at_door() const {
  return std::any_of(shared_.listeners.begin(), shared_.listeners.end(), [](const auto& listener) {
    if (listener.admin) return false;
    pollfd waiting{listener.socket, POLLIN, 0};
    return ::poll(&waiting, 1, 0) > 0 || net::handshakes_under_way(listener.socket);
  });
}

void EdgeProcess::close_client_listeners() {
  for (size_t i = 0; i < listener_sockets_.size(); ++i) {
    if (!shared_.listeners[i].admin) listener_sockets_[i].reset();
  }
}

void EdgeProcess::tell(const Json& message, std::span<const int> fds) {
  if (auto sent = control_.send(message.dump(), fds); !sent) lost_supervisor_ = true;
}

void EdgeProcess::protocol_error(const std::string& text) {
  spdlog::error("edge: {}", text);
  broken_ = true;
}

}  // namespace

int run_edge(int control_fd) {
  // sendfile() has no MSG_NOSIGNAL: a client that hangs up must be an EPIPE, not the end of the
  // edge.
  ::signal(SIGPIPE, SIG_IGN);
  // A log or a body that grows to RLIMIT_FSIZE is as good as a full disk.
  ::signal(SIGXFSZ, SIG_IGN);
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("edge", std::make_shared<spdlog::sinks::stderr_sink_mt>()));
  auto loop = net::Loop::create();
  if (!loop) {
    spdlog::error("edge: {}", loop.error().text);
    return 1;
  }
  EdgeProcess process(net::MessageSocket(Fd(control_fd)), std::move(*loop));
  return process.run();
}

}  // namespace labcoat::edge
