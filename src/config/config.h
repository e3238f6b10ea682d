// What `labcoat serve` was told: one value per option, resolved ("auto" is a number by now), from
// the command line, the file and the defaults. Filled by read_config (reader.h); carried to the
// edge as JSON (json.h).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "config/route.h"

namespace labcoat::config {

struct Listen {
  enum class Kind { http, https, unix_socket };
  Kind kind = Kind::http;
  std::string host;  // of http and https: as typed, without brackets
  int port = 0;      // 0: the kernel picks
  std::string path;  // of unix_socket
  std::string url;   // as typed
};

// Each reached limit has a counter of the same name in /status.
struct Limits {
  i64 request_target_bytes = 8 * 1024;    // 414
  i64 request_header_bytes = 32 * 1024;   // 431
  int request_fields = 100;               // 431
  i64 request_body_bytes = i64{1} << 30;  // 413
  i64 body_memory_bytes = 16 * 1024;      // larger bodies go to a file
  int connections = 20000;                // accept pauses
  int queue = 1024;                       // requests inside (waiting or with a worker) per app; 503
  int websockets = 4096;                  // open at once per app; 503
  i64 websocket_message_bytes = 16 << 20;          // of a client's message, inflated; 1009
  i64 websocket_ping_ns = 20 * seconds;            // 0: none
  i64 websocket_pong_timeout_ns = 20 * seconds;    // 1011
  i64 websocket_close_timeout_ns = 10 * seconds;   // for the client's close
  i64 websocket_retire_timeout_ns = 30 * seconds;  // of a worker that was told to go; 1012
  i64 queue_wait_ns = 30 * seconds;                // 503
  i64 queue_bytes = i64{4} << 30;                  // of bodies of the requests inside, per app; 503
  i64 shed_wait_ns = 1 * seconds;                  // 503 while the queue stands; 0: it may
  i64 shed_interval_ns = 2 * seconds;
  i64 header_timeout_ns = 15 * seconds;  // 408 while a head is being read
  i64 body_timeout_ns = 30 * seconds;    // 408 when no byte of a body came for so long
  i64 idle_timeout_ns = 75 * seconds;    // keep-alive connections are closed
  i64 write_timeout_ns = 60 * seconds;   // a client that takes nothing for so long is dropped
  i64 drain_timeout_ns = 30 * seconds;   // after TERM
  int connections_per_address = 0;       // closed at once; 0: no limit
  i64 body_rate_min = 240;               // bytes a second; 408
  i64 write_rate_min = 240;              // bytes a second; the connection is cut
  i64 rate_interval_ns = 0;              // of one request; 429; 0: no limit
  int rate_burst = 0;                    // 0: rate_per_second
  int rate_per_second = 1;
  std::string rate_key = "address";  // address, route, or header.NAME
  int rate_buckets = 65536;
  i64 response_buffer_bytes =
      1 << 20;              // of one response, for a slow client, before its worker must wait
  int compressions = 64;    // of apps' answers, of each edge thread; further ones go as they are
  int http2_streams = 100;  // open at once on one connection; REFUSED_STREAM
  // On one HTTP/2 connection, in ten seconds; ENHANCE_YOUR_CALM.
  int http2_resets = 200;
  int http2_control_frames = 1000;
};

// What https listeners need and do; certificates are read by the edge.
struct Tls {
  struct Certificate {
    std::string file;                // absolute; PEM: the certificate, then its chain
    std::string key;                 // absolute
    std::vector<std::string> hosts;  // empty: those the certificate names
  };
  std::vector<Certificate> certificates;  // the first also for hosts that nobody names
  std::string version_min = "1.2";
  std::string client_certificates = "off";  // off, optional, required
  std::string client_ca;                    // absolute; empty: none
  bool kernel = true;                       // let the kernel encrypt, where it can
  i64 hsts_ns = 0;                          // 0: no Strict-Transport-Security
  bool hsts_subdomains = false;
  int redirect_port = 0;  // http is redirected to https there; 0: not; -1: to the https listener's
};

struct App {
  std::string name;
  std::string target;         // MODULE:CALLABLE or MODULE:FACTORY()
  std::string directory;      // absolute
  std::string python;         // as found or given; a path or a name on PATH
  std::string python_source;  // where it came from, for messages: "--python", "VIRTUAL_ENV", …
  std::map<std::string, std::string> environment;
  std::string user;  // name or number; empty: ours
  std::string group;
  std::string pre_fork;   // MODULE:CALLABLE; empty: none
  std::string post_fork;  // the same
  std::string warm_up;    // paths and URLs, by spaces
  int workers = 1;
  int workers_min = 1;  // autoscaling happens between these two; the same: none
  int workers_max = 1;
  i64 scale_down_ns = 30 * seconds;
  int threads = 1;
  std::string interface = "auto";    // auto (by looking at the callable), wsgi, asgi
  std::string loop = "auto";         // of ASGI: auto (uvloop if it is there), asyncio, uvloop
  int in_flight = 100;               // of ASGI: requests that a worker works on at a time
  int max_requests = 0;              // 0: never recycled
  i64 worker_age_max_ns = 0;         // 0: never
  i64 worker_memory_max_bytes = 0;   // PSS; 0: never
  i64 request_timeout_ns = 0;        // in the worker, without the queue; 0: none
  std::string gc = "freeze";         // default, freeze, off, between_requests
  bool immortal_objects = false;     // what is there before the fork has no reference counts
  std::string allocator = "glibc";   // glibc, jemalloc, mimalloc
  std::string cpu_affinity = "off";  // off, spread (worker i on CPU i), split (edge on the first
                                     // CPU, workers on the others)
  i64 switch_interval_ns = 5 * ms;   // of Python's lock
  int nice = 0;                      // 0 to 19
  i64 spin_ns = 0;                   // a worker looks at its queue for so long before it sleeps
};

struct Config {
  static constexpr size_t listeners_max = 200;  // those of the admin pages among them
  std::vector<Listen> listen;
  std::vector<Listen> admin;  // at most one for now
  int edge_threads = 1;
  int backlog = 2048;
  // Of each edge thread; section "server".
  int file_cache_entries = 1024;  // 0: nothing is kept
  i64 file_cache_bytes = 32 << 20;
  i64 file_cache_valid_ns = 1 * seconds;
  std::string access_log = "off";  // off, "-", a path, or syslog+udp://HOST:PORT
  int unknown_host = 421;          // the status for a host that no route is for
  bool access_log_sync = false;    // write each line before the next request: to show what it costs
  std::string access_log_format = "combined";  // of log_format.h; of both logs
  std::string access_log_only = "all";         // all, errors (400 and more), server_errors (500)
  int access_log_sample = 1;                   // one line of so many
  std::string slow_log = "off";                // as access_log
  i64 slow_log_threshold_ns = 1 * seconds;
  std::string trusted_proxies;               // networks, and "unix", by spaces
  std::string proxy_fields = "x-forwarded";  // or "forwarded"
  std::string proxy_protocol = "off";        // off, on, or URLs as in listen, by spaces
  std::string websocket_compression = "on";  // off, stateless, on
  double recycle_cgroup_share = 0.9;         // of memory.max; 0: never
  std::string control;  // empty: in the runtime directory; off; or an absolute path
  Limits limits;
  Tls tls;
  std::vector<App> apps;
  std::vector<Route> routes;
  // Where each option's value came from ("default", "labcoat.toml:12", "--set"), by "section.name";
  // for /status.
  std::map<std::string, std::string> sources;
  std::map<std::string, std::string> values;  // as written, by the same names
};

}  // namespace labcoat::config
