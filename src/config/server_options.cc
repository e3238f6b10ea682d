// Options of [server]: listeners, threads, logs, metrics, control.
#include "config/option_tables.h"

namespace labcoat::config {

std::span<const Option> server_options() {
  using namespace bounds;
  static constexpr Option rows[] = {
      {.name = "listen",
       .section = "server",
       .type = OptionType::text,
       .default_value = "http://127.0.0.1:8000",
       .help = "Where to accept connections: a list of http://HOST:PORT, https://HOST:PORT or "
               "unix:PATH; port 0 picks a free one."},
      {.name = "edge_threads",
       .section = "server",
       .type = OptionType::integer,
       .default_value = "auto",
       .unit = "threads",
       .min = 1,
       .max = 64,
       .choices = "auto auto*2",
       .help =
           "Threads of the edge, each with its own event loop; auto is one for every four CPUs.",
       .levels = "auto*2",
       .log_scale = true,
       .why = "One edge thread can become the bottleneck when workers are fast or connections are "
              "many; more of them take CPU from the workers.",
       .expect = "up"},
      {.name = "backlog",
       .section = "server",
       .type = OptionType::integer,
       .default_value = "2048",
       .unit = "connections",
       .min = 1,
       .max = 65535,
       .help =
           "Connections the kernel holds for each listener until the edge accepts them (capped by "
           "net.core.somaxconn).",
       .levels = "256 4096",
       .log_scale = true,
       .why = "A burst of new connections that overflows the backlog is repeated by the clients a "
              "second later; a short one fails early under overload.",
       .expect = "up"},
      {.name = "file_cache_entries",
       .section = "server",
       .type = OptionType::integer,
       .default_value = "1024",
       .unit = "files",
       .min = 0,
       .max = 1e6,
       .help =
           "Files that each edge thread keeps ready to send (names that do not exist count too); "
           "0: none.",
       .levels = "16384 0",
       .log_scale = true,
       .why = "A file that is not kept ready is opened, read and closed anew for every request.",
       .expect = "up",
       .risk = "memory"},
      {.name = "file_cache_bytes",
       .section = "server",
       .type = OptionType::size,
       .default_value = "32MiB",
       .min = 0,
       .max = 64 * gib,
       .help = "Memory of each edge thread for small files and compressed ones.",
       .levels = "256MiB 1MiB",
       .log_scale = true,
       .why = "More of the small files of a site stay in memory, and less is compressed again.",
       .expect = "up",
       .risk = "memory"},
      {.name = "file_cache_valid",
       .section = "server",
       .type = OptionType::duration,
       .default_value = "1s",
       .min = 0,
       .max = hour,
       .help =
           "How long a changed file may still be answered as it was; 0s: every request asks the "
           "file system.",
       .levels = "10s 100ms",
       .log_scale = true,
       .why = "Asking the file system whether a file is still the same costs three system calls.",
       .expect = "up",
       .risk = "semantics"},
      {.name = "access_log",
       .section = "server",
       .type = OptionType::text,
       .default_value = "off",
       .help = "One line per request: off, - (standard output), a file, or syslog+udp://HOST:PORT.",
       .levels = "off access.log",
       .why = "Every logged request costs the formatting of a line and its share of a write.",
       .expect = "up"},
      {.name = "unknown_host",
       .section = "server",
       .type = OptionType::integer,
       .default_value = "421",
       .min = 400,
       .max = 499,
       .help = "The status that answers a request for a host that no route names, when there are "
               "routes that name hosts."},
      {.name = "access_log_sync",
       .section = "server",
       .type = OptionType::boolean,
       .default_value = "off",
       .help = "Write each line of the access log before the next request is read, instead of in "
               "batches from a thread of its own.",
       .levels = "on off",
       .why =
           "A system call per line is paid by the thread that answers requests; writing in batches "
           "moves it out of their way.",
       .expect = "down"},
      {.name = "access_log_format",
       .section = "server",
       .type = OptionType::text,
       .default_value = "combined",
       .help = "combined, json, json FIELD FIELD …, or text with {FIELD}s such as \"{remote_addr} "
               "{status} {total_us}\"; the fields are explained in docs/logs.md."},
      {.name = "access_log_only",
       .section = "server",
       .type = OptionType::choice,
       .default_value = "all",
       .choices = "all errors server_errors",
       .help = "Which answers are logged: all, errors (status 400 and more), or server_errors (500 "
               "and more)."},
      {.name = "access_log_sample",
       .section = "server",
       .type = OptionType::integer,
       .default_value = "1",
       .unit = "lines",
       .min = 1,
       .max = thousand_million,
       .help = "Write one of so many lines; answers with status 500 and more are always written."},
      {.name = "slow_log",
       .section = "server",
       .type = OptionType::text,
       .default_value = "off",
       .help =
           "Requests that took slow_log_threshold or longer: off, - (standard output), a file, or "
           "syslog+udp://HOST:PORT."},
      {.name = "slow_log_threshold",
       .section = "server",
       .type = OptionType::duration,
       .default_value = "1s",
       .min = 0,
       .max = 24 * hour,
       .help = "What is slow, from the first byte of the request to the last of the answer."},
      {.name = "trusted_proxies",
       .section = "server",
       .type = OptionType::text,
       .default_value = "",
       .help = "Who may say for whom it speaks: addresses and networks such as \"10.0.0.0/8 "
               "192.0.2.1\", and the word unix for UNIX sockets. Empty: nobody."},
      {.name = "proxy_fields",
       .section = "server",
       .type = OptionType::choice,
       .default_value = "x-forwarded",
       .choices = "x-forwarded forwarded",
       .help = "The fields that trusted proxies set: X-Forwarded-For, -Proto and -Host, or "
               "Forwarded (RFC 7239). The others are not believed."},
      {.name = "proxy_protocol",
       .section = "server",
       .type = OptionType::text,
       .default_value = "off",
       .help = "Listeners whose connections begin with a header of the PROXY protocol, version "
               "1 or 2, from trusted proxies only: off, on (all), or their URLs as in listen."},

      {.name = "websocket_compression",
       .section = "server",
       .type = OptionType::choice,
       .default_value = "on",
       .choices = "off stateless on",
       .help =
           "Compress the messages of WebSockets whose client offers it: on keeps a window of what "
           "was said before for each WebSocket (up to 80 KiB), stateless compresses every message "
           "by itself."},
      {.name = "recycle_cgroup_share",
       .section = "server",
       .type = OptionType::real,
       .default_value = "0.9",
       .min = 0,
       .max = 1,
       .help =
           "When so much of the cgroup's memory.max or memory.high is taken, the worker that has "
           "grown most is replaced, and workers_max adds none that would take more; 0: never. "
           "Without a limit nothing happens."},
      {.name = "control",
       .section = "server",
       .type = OptionType::text,
       .default_value = "",
       .help = "The UNIX socket for labcoat status, top, stacks, reload and stop: a path, or off; "
               "empty: PID.control in the user's runtime directory (XDG_RUNTIME_DIR/labcoat, for "
               "root /run/labcoat, else /tmp/labcoat-UID)."},

      {.name = "target",
       .section = "app",
       .type = OptionType::text,
       .default_value = "",
       .help = "The application: MODULE:CALLABLE, or MODULE:FACTORY() to call a factory."},
  };
  return rows;
}

}  // namespace labcoat::config
