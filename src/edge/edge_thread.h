// EdgeThread: one event loop with its connections, its slots of every app's channel, its timeouts
// and its counters. Threads share nothing that is written to, but for the channels' queues.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <sys/socket.h>
#include <unordered_map>
#include <vector>

#include "answer/response.h"
#include "base/block_pool.h"
#include "channel/edge_port.h"
#include "clients/client.h"
#include "clients/listener_info.h"
#include "config/config.h"
#include "edge/app_line.h"
#include "edge/body_files.h"
#include "edge/counters.h"
#include "edge/edge_rules.h"
#include "edge/route_metrics.h"
#include "edge/tls_keeper.h"
#include "files/static_file.h"
#include "http/mime.h"
#include "http/request.h"
#include "logs/request_log.h"
#include "logs/thread_log.h"
#include "net/loop.h"
#include "net/timeouts.h"
#include "net/transport.h"

namespace labcoat::edge {

class Connection;
class Listener;

// Answers requests on admin listeners; thread-safe.
class AdminPages {
 public:
  struct Page {
    int status = 200;
    std::string content_type;
    std::string body;
  };
  virtual Page answer(std::string_view path) const = 0;

 protected:
  ~AdminPages() = default;
};

// What memory.max has made of an app's workers: the supervisor's numbers, for /metrics.
struct MemoryCounts {
  std::atomic<u64> drained_first = 0;
  std::atomic<u64> recycled_for_cgroup = 0;
  std::atomic<u64> scale_ups_refused = 0;
};

// What all threads read. Outlives them.
struct EdgeShared {
  const config::Config* config = nullptr;  // as the edge was started with
  // Those that threads which begin now go by; thread-safe.
  std::shared_ptr<const EdgeRules> rules() const;
  void set_rules(std::shared_ptr<const EdgeRules> rules);
  http::MimeTypes mime_types;
  http::RequestLimits request_limits;
  std::vector<clients::ListenerInfo> listeners;
  std::vector<std::unique_ptr<channel::EdgeChannel>> channels;  // as config->apps
  std::vector<std::unique_ptr<BodyFiles>> body_files;           // as config->apps
  std::vector<std::unique_ptr<LineShare>> lines;                // as config->apps
  std::vector<std::unique_ptr<MemoryCounts>> memory_counts;     // as config->apps
  std::unique_ptr<logs::RequestLog> request_log;                // or none
  std::shared_ptr<clients::ClientLimits> client_limits;
  std::unique_ptr<TlsKeeper> tls;  // or none
  const AdminPages* admin = nullptr;
  std::atomic<bool> draining = false;
  // From any thread: the worker behind this endpoint has broken the channel's rules.
  std::function<void(size_t app, u32 endpoint)> report_corrupt;

 private:
  mutable std::mutex rules_mutex_;
  std::shared_ptr<const EdgeRules> rules_;
};

class EdgeThread {
 public:
  static Result<std::unique_ptr<EdgeThread>> create(EdgeShared& shared, int index);
  ~EdgeThread();

  // Runs until stop(). After drain() and stop_accepting() calls `drained` once, when the last
  // client is done; the admin pages go on, for other threads may still have clients.
  void run(const std::function<void()>& drained);

  // From any thread.
  void adopt(std::shared_ptr<const EdgeRules> rules);
  void adopt(std::shared_ptr<const logs::LogRules> rules);
  // Lets go of clients that wait for nothing; the others, and those that are still accepted, are
  // let go after their answers.
  void drain();
  // Takes what waits to be accepted, and no clients from then on.
  void stop_accepting();
  void stop();
  void bury(size_t app, u32 endpoint, std::function<void()> done);
  void give_place(size_t app, int route);
  void give_file(size_t app, u32 slot, u32 generation, u64 number, Fd file);
  const Counters& counters() const { return counters_; }
  std::shared_ptr<const RouteMetrics> metrics() const;

  // The rest is for the thread's own connections.
  net::Loop& loop() { return *loop_; }
  EdgeShared& shared() { return shared_; }
  Counters& count() { return counters_; }
  RouteMetrics& count_route() { return *metrics_; }
  // In force for what begins now; who goes by them for longer holds them.
  const std::shared_ptr<const EdgeRules>& rules() const { return rules_; }
  AppLine& line(size_t app) { return *apps_[app].line; }
  channel::EdgePort& port(size_t app) { return line(app).port(); }
  int index() const { return index_; }
  i64 now() const { return loop_->now(); }
  logs::ThreadLog& log() { return log_; }
  u64 next_request_id() { return ++last_request_id_; }
  std::string_view date_line();
  // At most once a second: whether something of no great importance may go to the log.
  bool may_complain();
  // Scratch for one call: bytes read from a socket, and bytes on their way to one.
  std::vector<char>& input() { return input_; }
  std::string& output() { return output_; }
  std::string& coded() { return coded_; }
  answer::Response& response() { return response_; }
  // Of a WebSocket: what a client sent without its mask, the head of a frame, a compressed piece.
  std::vector<char>& plain() { return plain_; }
  std::string& frame_head() { return frame_head_; }
  std::string& deflated() { return deflated_; }
  // For what lives as long as one request or less.
  BlockPool& blocks() { return blocks_; }
  files::StaticFiles& files() { return files_; }
  std::vector<char>& path_buffer() { return path_buffer_; }
  // What a route makes of a path and of a response's fields.
  std::string& route_path() { return route_path_; }
  std::string& route_fields() { return route_fields_; }
  // A descriptor that a worker sent for this slot, if it has arrived.
  // True: it has arrived, or was lost on the way (then `file` is none).
  bool take_file(size_t app, u32 slot, u32 generation, u64 number, Fd& file);
  void forget_files(size_t app, u32 slot);
  void add(Fd socket, const sockaddr_storage& peer, const clients::ListenerInfo& listener);
  // Another protocol goes on with this client: `old` is removed, what it has received and not used
  // is `read_ahead`. The transport is not watched any more.
  enum class Protocol : u8 { proxy, tls, http1, http2 };
  void hand_over(Connection& old, net::Transport transport, const clients::Client& client,
                 Protocol protocol, std::string_view read_ahead);
  // The client is known by now, if need be from its proxy; `old` has done its part.
  void admit(Connection& old, net::Transport transport, clients::Client client);
  // No descriptors are left: rest for a moment.
  void pause_accepting();
  bool accepting() const { return accepting_ == Accepting::everybody; }
  // Calls resume() of the connection, once, after the next batch of events, which is not waited
  // for.
  void come_back(Connection& connection) { postponed_.push_back(&connection); }
  // Destroys the connection at the end of the batch.
  void remove(Connection& connection);

  net::TimeoutQueue header_timeouts, body_timeouts, idle_timeouts, write_timeouts, linger_timeouts,
      file_sweeps, ping_timeouts, pong_timeouts, close_timeouts;

 private:
  // Watches the doorbell of one app.
  struct Doorbell final : net::Watcher {
    int fd = -1;
    void on_events(u32 events) override;
  };
  struct App {
    std::unique_ptr<AppLine> line;
    std::unique_ptr<Doorbell> doorbell;
  };
  struct GivenFile {
    size_t app;
    u32 slot, generation;
    u64 number;
    Fd file;
  };

  EdgeThread(EdgeShared& shared, int index, std::unique_ptr<net::Loop> loop);
  Status watch_everything();
  bool may_enter(clients::Client& client);
  void begin(net::Transport transport, const clients::Client& client, Protocol protocol,
             std::string_view read_ahead);
  void take_rules(std::shared_ptr<const EdgeRules> rules);
  void deliver_news();
  void resume_postponed();
  void expire_timeouts();
  int milliseconds_to_sleep() const;
  void sleep(bool light);
  void update_accepting();

  EdgeShared& shared_;
  const int index_;
  BlockPool blocks_;  // outlives the connections
  std::unique_ptr<net::Loop> loop_;
  std::vector<App> apps_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<GivenFile> given_files_;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Connection>> removed_;
  std::vector<Connection*> postponed_;  // connections that gave way to others
  Counters counters_;
  std::shared_ptr<const EdgeRules> rules_;
  mutable std::mutex metrics_mutex_;  // of the pointer, for those who read it from other threads
  std::shared_ptr<RouteMetrics> metrics_;
  files::StaticFiles files_;
  logs::ThreadLog log_;
  std::vector<char> input_;
  std::string output_, coded_;
  answer::Response response_;
  std::vector<char> plain_;
  std::string frame_head_, deflated_;
  std::vector<char> path_buffer_;
  std::string route_path_, route_fields_;
  u64 last_request_id_;
  i64 date_second_ = -1;
  i64 complained_ns_ = 0;
  std::string date_line_;
  enum class Accepting : u8 { everybody, admin, nobody };
  Accepting accepting_ = Accepting::everybody;
  size_t clients_ = 0;            // connections that are not to the admin pages
  i64 accepting_resumes_ns_ = 0;  // 0: not paused
  bool light_sleep_useful_ = true;
  bool draining_ = false;
  bool newcomers_ = true;  // are accepted, if there is room
  bool stopped_ = false;
  u32 news_ = 0;
  i64 last_news_ns_ = 0;
  i64 news_gap_ns_ = 0;  // between answers of workers, averaged; no more than a light sleep each
};

}  // namespace labcoat::edge
