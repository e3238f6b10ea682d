#include "edge/edge_thread.h"

#include <algorithm>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>
#include <utility>

#include "base/check.h"
#include "base/held_apart.h"
#include "clients/client_limits.h"
#include "edge/http1_connection.h"
#include "edge/http2_connection.h"
#include "edge/listener.h"
#include "edge/proxy_header.h"
#include "edge/tls_handshake.h"
#include "http/date.h"

namespace labcoat::edge {
namespace {

constexpr size_t input_bytes = 64 * 1024;
// Some thousand streams of HTTP/2 with what belongs to them.
constexpr size_t kept_block_bytes_max = 4 << 20;
constexpr i64 linger_ns = 2 * seconds;
constexpr i64 file_sweep_ns = 1 * seconds;
// Descriptors a worker may send ahead for one response; an honest one sends one.
constexpr int files_per_slot_max = 4;
// For so long at most workers may keep their bells (EdgePort::begin_sleep).
constexpr i64 light_sleep_ns = 1 * ms;
// When answers come less often than that, a light sleep mostly ends before the next one: it would
// spare no bell, and take the CPU from whoever works on that answer.
constexpr i64 dense_news_ns = light_sleep_ns / 2;
constexpr i64 news_gap_weight = 8;
// How long accepting pauses when there are no descriptors left: some may be closed by then.
constexpr int descriptor_pause_ms = 100;

// Threads share the process's descriptors with clients and workers: a quarter is for files.
size_t file_descriptors_max(int threads) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = 1024;
  return std::max<size_t>(1, limit.rlim_cur / 4 / static_cast<size_t>(std::max(1, threads)));
}

files::FileCache::Limits file_cache_limits(const config::Config& config) {
  return {.entries_max = static_cast<size_t>(config.file_cache_entries),
          .bytes_max = config.file_cache_bytes,
          .descriptors_max = file_descriptors_max(config.edge_threads),
          .valid_ns = config.file_cache_valid_ns};
}

files::FileCacheCounters file_cache_counters(Counters& counters) {
  return {.hits = counters.file_cache_hits,
          .misses = counters.file_cache_misses,
          .evictions = counters.file_cache_evictions};
}

}  // namespace

void EdgeThread::Doorbell::on_events(u32) {
  u64 count;
  [[maybe_unused]] const ssize_t got = ::read(fd, &count, sizeof count);
}

EdgeThread::EdgeThread(EdgeShared& shared, int index, std::unique_ptr<net::Loop> loop)
    : header_timeouts(shared.rules()->config.limits.header_timeout_ns),
      body_timeouts(shared.rules()->config.limits.body_timeout_ns),
      idle_timeouts(shared.rules()->config.limits.idle_timeout_ns),
      write_timeouts(shared.rules()->config.limits.write_timeout_ns),
      linger_timeouts(linger_ns),
      file_sweeps(file_sweep_ns),
      ping_timeouts(shared.config->limits.websocket_ping_ns),
      pong_timeouts(shared.config->limits.websocket_pong_timeout_ns),
      close_timeouts(shared.config->limits.websocket_close_timeout_ns),
      shared_(shared),
      index_(index),
      blocks_(kept_block_bytes_max),
      loop_(std::move(loop)),
      rules_(held_apart(shared.rules())),
      metrics_(std::make_shared<RouteMetrics>(rules_->router.names())),
      files_(file_cache_limits(*shared.config), shared.mime_types, file_cache_counters(counters_),
             file_sweeps),
      log_(shared.request_log ? shared.request_log->rules() : nullptr, index),
      input_(input_bytes),
      plain_(input_bytes),
      path_buffer_(static_cast<size_t>(shared.config->limits.request_header_bytes)),
      // Ids tell threads (6 bits) and runs (26 bits, seconds) apart; the rest counts.
      last_request_id_((static_cast<u64>(index) << 58) |
                       ((static_cast<u64>(wall_ns() / seconds) & 0x3ffffff) << 32)) {
  output_.reserve(2 * input_bytes);
}

EdgeThread::~EdgeThread() = default;

Result<std::unique_ptr<EdgeThread>> EdgeThread::create(EdgeShared& shared, int index) {
  auto loop = net::Loop::create();
  if (!loop) return tl::unexpected(loop.error());
  std::unique_ptr<EdgeThread> thread(new EdgeThread(shared, index, std::move(*loop)));
  if (auto watched = thread->watch_everything(); !watched) return tl::unexpected(watched.error());
  return thread;
}

std::shared_ptr<const EdgeRules> EdgeShared::rules() const {
  const std::lock_guard lock(rules_mutex_);
  return rules_;
}

void EdgeShared::set_rules(std::shared_ptr<const EdgeRules> rules) {
  const std::lock_guard lock(rules_mutex_);
  rules_ = std::move(rules);
}

std::shared_ptr<const RouteMetrics> EdgeThread::metrics() const {
  const std::lock_guard lock(metrics_mutex_);
  return metrics_;
}

void EdgeThread::adopt(std::shared_ptr<const EdgeRules> rules) {
  loop_->post([this, rules = std::move(rules)] { take_rules(rules); });
}

void EdgeThread::adopt(std::shared_ptr<const logs::LogRules> rules) {
  loop_->post([this, rules = std::move(rules)] { log_.adopt(rules); });
}

// Requests that have begun hold the rules that they began with.
void EdgeThread::take_rules(std::shared_ptr<const EdgeRules> rules) {
  rules_ = held_apart(std::move(rules));
  const config::Limits& limits = rules_->config.limits;
  header_timeouts.set_length(limits.header_timeout_ns);
  body_timeouts.set_length(limits.body_timeout_ns);
  idle_timeouts.set_length(limits.idle_timeout_ns);
  write_timeouts.set_length(limits.write_timeout_ns);
  auto metrics = std::make_shared<RouteMetrics>(rules_->router.names());
  metrics->go_on_from(*metrics_);
  const std::lock_guard lock(metrics_mutex_);
  metrics_ = std::move(metrics);
}

Status EdgeThread::watch_everything() {
  for (size_t i = 0; i < shared_.channels.size(); ++i) {
    const auto& channel = shared_.channels[i];
    App app;
    app.line = std::make_unique<AppLine>(*channel, *shared_.lines[i], *shared_.config, index_);
    app.doorbell = std::make_unique<Doorbell>();
    app.doorbell->fd = channel->doorbell(static_cast<u32>(index_));
    auto watched = loop_->watch(app.doorbell->fd, EPOLLIN, *app.doorbell);
    if (!watched) return watched;
    apps_.push_back(std::move(app));
  }
  for (const clients::ListenerInfo& info : shared_.listeners) {
    listeners_.push_back(std::make_unique<Listener>(*this, info));
    if (auto watched = listeners_.back()->watch(); !watched) return watched;
  }
  return {};
}

void EdgeThread::run(const std::function<void()>& drained) {
  pthread_setname_np(pthread_self(), ("edge-" + std::to_string(index_)).c_str());
  bool light = true;
  bool told = false;
  while (!stopped_) {
    deliver_news();
    expire_timeouts();
    resume_postponed();
    // A connection whose timeout was answered may have had its next request read ahead.
    for (App& app : apps_) app.line->port().ring();
    removed_.clear();
    log_.hand_over();
    if (draining_ && !newcomers_ && clients_ == 0 && !std::exchange(told, true)) drained();
    const u32 news_before = news_;
    sleep(light);
    // After a light sleep in which nothing happened the next one is deep: an idle edge costs
    // nothing.
    light = news_ != news_before || light_sleep_useful_;
  }
  log_.hand_over();
  // Requests that are given up from here on have nobody to make room for.
  for (App& app : apps_) app.line->close();
}

void EdgeThread::deliver_news() {
  const u32 news_before = news_;
  for (App& app : apps_) {
    channel::EdgePort& port = app.line->port();
    // First the bells for what the last batch of events has queued: workers on other cores can
    // begin.
    port.ring();
    news_ += port.for_each_dirty(
        [&](u32 slot) { static_cast<Exchange*>(port.owner(slot))->on_app_news(); });
    port.ring();
  }
  if (news_ == news_before) return;
  const i64 gap = std::min(now() - std::exchange(last_news_ns_, now()), light_sleep_ns);
  news_gap_ns_ += (gap - news_gap_ns_) / news_gap_weight;
}

// Those that give way again are for the next round.
void EdgeThread::resume_postponed() {
  std::vector<Connection*> connections;
  connections.swap(postponed_);
  for (Connection* connection : connections) connection->resume();
}

void EdgeThread::sleep(bool light) {
  u32 outstanding = 0;
  for (const App& app : apps_) outstanding += app.line->port().outstanding();
  light = light && outstanding > 0 && news_gap_ns_ < dense_news_ns;
  bool asleep = true;
  for (const App& app : apps_) asleep = app.line->port().begin_sleep(light) && asleep;
  int timeout_ms = asleep && postponed_.empty() ? milliseconds_to_sleep() : 0;
  constexpr int light_sleep_ms = light_sleep_ns / ms;
  if (light && (timeout_ms < 0 || timeout_ms > light_sleep_ms)) timeout_ms = light_sleep_ms;
  const int events = loop_->run_once(timeout_ms);
  for (const App& app : apps_) app.line->port().end_sleep();
  light_sleep_useful_ = events > 0 || !asleep;
}

void EdgeThread::expire_timeouts() {
  for (net::TimeoutQueue* queue :
       {&header_timeouts, &body_timeouts, &idle_timeouts, &write_timeouts, &linger_timeouts,
        &file_sweeps, &ping_timeouts, &pong_timeouts, &close_timeouts}) {
    queue->expire(now());
  }
  for (App& app : apps_) app.line->expire(now());
  if (accepting_resumes_ns_ != 0 && now() >= accepting_resumes_ns_) {
    accepting_resumes_ns_ = 0;
    update_accepting();
  }
}

int EdgeThread::milliseconds_to_sleep() const {
  i64 shortest = -1;
  for (const net::TimeoutQueue* queue :
       {&header_timeouts, &body_timeouts, &idle_timeouts, &write_timeouts, &linger_timeouts,
        &file_sweeps, &ping_timeouts, &pong_timeouts, &close_timeouts}) {
    const i64 next = queue->next_in(now());
    if (next >= 0 && (shortest < 0 || next < shortest)) shortest = next;
  }
  for (const App& app : apps_) {
    const i64 next = app.line->next_in(now());
    if (next >= 0 && (shortest < 0 || next < shortest)) shortest = next;
  }
  if (accepting_resumes_ns_ != 0) {
    const i64 next = std::max<i64>(0, accepting_resumes_ns_ - now());
    if (shortest < 0 || next < shortest) shortest = next;
  }
  if (shortest < 0) return -1;
  return static_cast<int>(std::min<i64>((shortest + ms - 1) / ms, 60'000));
}

bool EdgeThread::may_complain() {
  if (complained_ns_ != 0 && now() - complained_ns_ < seconds) return false;
  complained_ns_ = now();
  return true;
}

std::string_view EdgeThread::date_line() {
  // The loop's clock is monotonic; the wall clock is read at most once a second.
  const i64 second = now() / seconds;
  if (second != date_second_) {
    date_second_ = second;
    date_line_.assign("Date: ");
    date_line_.resize(6 + http::date_bytes);
    http::write_date(wall_ns() / seconds, date_line_.data() + 6);
    date_line_.append("\r\n");
  }
  return date_line_;
}

void EdgeThread::add(Fd socket, const sockaddr_storage& peer,
                     const clients::ListenerInfo& listener) {
  counters_.connections.add();
  counters_.connections_open.add();
  if (!listener.admin) ++clients_;
  clients::Client client(peer, listener);
  if (listener.proxy_protocol) {
    begin(net::Transport(std::move(socket)), client, Protocol::proxy, {});
  } else if (may_enter(client)) {
    begin(net::Transport(std::move(socket)), client,
          listener.https ? Protocol::tls : Protocol::http1, {});
  } else {
    counters_.connections_open.subtract();
    if (!listener.admin) --clients_;
  }
  update_accepting();
}

// Closed at once when not: a word to each would cost what the limit is to save.
bool EdgeThread::may_enter(clients::Client& client) {
  client.trusted = rules_->proxies.trusts(client);
  if (client.listener->admin) return true;
  clients::ClientLimits::Seat seat = shared_.client_limits->take_seat(client);
  client.seat = std::move(seat.held);
  if (seat.full) counters_.limit_connections_per_address.add();
  return !seat.full;
}

void EdgeThread::admit(Connection& old, net::Transport transport, clients::Client client) {
  if (!may_enter(client)) {
    transport.close();
    remove(old);
    return;
  }
  const Protocol next = client.listener->https ? Protocol::tls : Protocol::http1;
  hand_over(old, std::move(transport), client, next, {});
}

void EdgeThread::begin(net::Transport transport, const clients::Client& client, Protocol protocol,
                       std::string_view read_ahead) {
  switch (protocol) {
    case Protocol::proxy: {
      auto connection = std::make_unique<ProxyHeader>(*this, std::move(transport), client);
      ProxyHeader& added = *connection;
      connections_.emplace(&added, std::move(connection));
      added.start();
      break;
    }
    case Protocol::tls: {
      auto connection = std::make_unique<TlsHandshake>(*this, std::move(transport), client);
      TlsHandshake& added = *connection;
      connections_.emplace(&added, std::move(connection));
      added.start(read_ahead);
      break;
    }
    case Protocol::http1: {
      auto connection = std::make_unique<Http1Connection>(*this, std::move(transport), client);
      Http1Connection& added = *connection;
      connections_.emplace(&added, std::move(connection));
      added.start(read_ahead);
      break;
    }
    case Protocol::http2: {
      auto connection = std::make_unique<Http2Connection>(*this, std::move(transport), client);
      Http2Connection& added = *connection;
      connections_.emplace(&added, std::move(connection));
      added.start(read_ahead);
      break;
    }
  }
}

// Nothing is counted: it is one connection from its accept to its end.
void EdgeThread::hand_over(Connection& old, net::Transport transport, const clients::Client& client,
                           Protocol protocol, std::string_view read_ahead) {
  const auto at = connections_.find(&old);
  CHECK(at != connections_.end());
  std::erase(postponed_, &old);
  removed_.push_back(std::move(at->second));
  connections_.erase(at);
  begin(std::move(transport), client, protocol, read_ahead);
}

void EdgeThread::remove(Connection& connection) {
  const auto at = connections_.find(&connection);
  CHECK(at != connections_.end());
  std::erase(postponed_, &connection);
  removed_.push_back(std::move(at->second));
  connections_.erase(at);
  counters_.connections_open.subtract();
  if (!connection.is_admin()) --clients_;
  update_accepting();
}

void EdgeThread::pause_accepting() {
  counters_.limit_descriptors.add();
  accepting_resumes_ns_ = now() + descriptor_pause_ms * ms;
  update_accepting();
}

// Accepting goes on while there is room; otherwise the kernel's queue is the back-pressure. A full
// house, and one that closes, is still healthy: the admin pages must be able to say so.
void EdgeThread::update_accepting() {
  const size_t limit = static_cast<size_t>(
      std::max(1, shared_.config->limits.connections / std::max(1, shared_.config->edge_threads)));
  const bool full = connections_.size() >= limit;
  const Accepting now_wanted = accepting_resumes_ns_ != 0 ? Accepting::nobody
                               : !newcomers_ || full      ? Accepting::admin
                                                          : Accepting::everybody;
  if (now_wanted == accepting_) return;
  if (now_wanted == Accepting::admin && newcomers_) counters_.limit_connections.add();
  accepting_ = now_wanted;
  for (const auto& listener : listeners_) {
    const bool wanted = accepting_ == Accepting::everybody ||
                        (accepting_ == Accepting::admin && listener->is_admin());
    if (!wanted) {
      listener->forget();
    } else if (!listener->watch()) {
      // For want of kernel memory: once more a little later.
      accepting_resumes_ns_ = now() + descriptor_pause_ms * ms;
    }
  }
  if (accepting_resumes_ns_ != 0) accepting_ = Accepting::nobody;
}

void EdgeThread::drain() {
  loop_->post([this] {
    if (std::exchange(draining_, true)) return;
    std::vector<Connection*> open;
    open.reserve(connections_.size());
    for (const auto& [connection, owned] : connections_) {
      if (!connection->is_admin()) open.push_back(connection);
    }
    for (Connection* connection : open) connection->drain();
  });
}

void EdgeThread::stop_accepting() {
  loop_->post([this] {
    for (const auto& listener : listeners_) listener->accept_all();
    newcomers_ = false;
    update_accepting();
  });
}

void EdgeThread::stop() {
  loop_->post([this] { stopped_ = true; });
}

void EdgeThread::bury(size_t app, u32 endpoint, std::function<void()> done) {
  loop_->post([this, app, endpoint, done = std::move(done)] {
    channel::EdgePort& port = line(app).port();
    port.bury(endpoint,
              [&port](u32 slot) { static_cast<Exchange*>(port.owner(slot))->on_worker_death(); });
    done();
  });
}

void EdgeThread::give_place(size_t app, int route) {
  loop_->post([this, app, route] { line(app).give_place(route); });
}

void EdgeThread::give_file(size_t app, u32 slot, u32 generation, u64 number, Fd file) {
  // std::function wants something that can be copied.
  auto shared = std::make_shared<Fd>(std::move(file));
  loop_->post([this, app, slot, generation, number, shared] {
    channel::EdgePort& port = line(app).port();
    if (port.generation(slot) != generation || port.owner(slot) == nullptr) return;
    const auto waiting =
        std::count_if(given_files_.begin(), given_files_.end(),
                      [&](const GivenFile& one) { return one.app == app && one.slot == slot; });
    if (waiting >= files_per_slot_max) return;
    given_files_.push_back({app, slot, generation, number, std::move(*shared)});
    static_cast<Exchange*>(port.owner(slot))->on_file();
  });
}

bool EdgeThread::take_file(size_t app, u32 slot, u32 generation, u64 number, Fd& file) {
  const auto at = std::find_if(given_files_.begin(), given_files_.end(), [&](const GivenFile& f) {
    return f.app == app && f.slot == slot && f.generation == generation && f.number == number;
  });
  if (at == given_files_.end()) return false;
  file = std::move(at->file);
  given_files_.erase(at);
  return true;
}

void EdgeThread::forget_files(size_t app, u32 slot) {
  if (given_files_.empty()) return;
  std::erase_if(given_files_,
                [&](const GivenFile& file) { return file.app == app && file.slot == slot; });
}

}  // namespace labcoat::edge
