#include "config/options.h"

#include <cstring>

namespace labcoat::config {
namespace {

constexpr double thousand_million = 1e9;
constexpr double second = 1e9;  // durations are bounded in nanoseconds
constexpr double hour = 3600 * second;
constexpr double kib = 1024;
constexpr double mib = 1024 * kib;
constexpr double gib = 1024 * mib;

// The order is that of --help and of the documentation page. Levels make a row a knob of the
// laboratory.
constexpr Option rows[] = {
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
     .help = "Threads of the edge, each with its own event loop; auto is one for every four CPUs.",
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
    {.name = "access_log",
     .section = "server",
     .type = OptionType::text,
     .default_value = "off",
     .help = "One line per request: off, - (standard output), a file, or syslog+udp://HOST:PORT.",
     .levels = "off access.log",
     .why = "Every logged request costs the formatting of a line and its share of a write.",
     .expect = "up"},
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

    {.name = "target",
     .section = "app",
     .type = OptionType::text,
     .default_value = "",
     .help = "The application: MODULE:CALLABLE, or MODULE:FACTORY() to call a factory."},
    {.name = "directory",
     .section = "app",
     .type = OptionType::text,
     .default_value = ".",
     .help = "Current directory of the workers and first on sys.path; relative to the "
             "configuration file."},
    {.name = "python",
     .section = "app",
     .type = OptionType::text,
     .default_value = "",
     .help = "The Python interpreter (3.11 or newer); empty: that of VIRTUAL_ENV, else python3 on "
             "PATH."},
    {.name = "environment",
     .section = "app",
     .type = OptionType::text,
     .default_value = "",
     .help = "A table of environment variables that are added for the workers."},
    {.name = "workers",
     .section = "app",
     .type = OptionType::integer,
     .default_value = "auto",
     .unit = "processes",
     .min = 1,
     .max = 512,
     .choices = "auto auto/2 auto*2",
     .help =
         "Worker processes; auto is one per CPU that this process may use (containers counted).",
     .levels = "auto*2 auto/2",
     .log_scale = true,
     .why =
         "A worker computes on one CPU at a time because of the interpreter's lock: fewer workers "
         "than CPUs leave some idle, more fill the waits of an app that waits.",
     .expect = "up",
     .risk = "memory"},
    {.name = "threads",
     .section = "app",
     .type = OptionType::integer,
     .default_value = "1",
     .unit = "threads",
     .min = 1,
     .max = 64,
     .help = "Threads of each worker, each taking requests of its own; only for apps that are "
             "thread-safe.",
     .levels = "2 4",
     .log_scale = true,
     .why = "Threads let a worker begin another request while one waits for a database or a disk; "
            "they contend for the interpreter's lock when the app computes.",
     .expect = "up",
     .risk = "semantics"},
    {.name = "max_requests",
     .section = "app",
     .type = OptionType::integer,
     .default_value = "0",
     .unit = "requests",
     .min = 0,
     .max = thousand_million,
     .help =
         "A worker is replaced after about so many requests (10 % more or less, so that not all "
         "go at once); 0: never.",
     .levels = "1000 10000",
     .log_scale = true,
     .why =
         "A fresh worker gives back memory that the app leaked or scattered, and pays by warming "
         "its caches again.",
     .expect = "down"},
    {.name = "gc",
     .section = "app",
     .type = OptionType::choice,
     .default_value = "freeze",
     .choices = "default freeze off between_requests",
     .help =
         "Python's cyclic garbage collector: as Python does it (default), with the app's start-up "
         "objects exempt (freeze), off, or run only between requests.",
     .levels = "between_requests off default",
     .why = "A collection walks over everything the app keeps, in the middle of some request, and "
            "copies the pages it shares with its siblings.",
     .expect = "up",
     .risk = "memory"},
    {.name = "allocator",
     .section = "app",
     .type = OptionType::choice,
     .default_value = "glibc",
     .choices = "glibc jemalloc mimalloc",
     .help = "The memory allocator of the workers; jemalloc and mimalloc are preloaded.",
     .levels = "jemalloc mimalloc",
     .why =
         "Allocators differ in how fast they serve blocks over 512 bytes, and in how much memory "
         "stays scattered afterwards.",
     .expect = "up",
     .risk = "memory"},
    {.name = "cpu_affinity",
     .section = "app",
     .type = OptionType::choice,
     .default_value = "off",
     .choices = "off spread split",
     .help =
         "Bind workers to CPUs: spread (worker i on CPU i), or split (the edge on the first CPU, "
         "the workers on the others).",
     .levels = "spread split",
     .why = "A process that stays on its CPU finds its data in that CPU's caches; bound processes "
            "cannot move out of each other's way.",
     .expect = "up"},
    {.name = "spin",
     .section = "app",
     .type = OptionType::duration,
     .default_value = "0s",
     .min = 0,
     .max = 0.01 * second,
     .help = "How long an idle worker looks at its queue before it sleeps.",
     .levels = "20us 100us",
     .log_scale = true,
     .why =
         "A worker that still looks needs no system call to be woken; the looking takes CPU from "
         "whoever shares it.",
     .expect = "up"},

    {.name = "request_target_bytes",
     .section = "limits",
     .type = OptionType::size,
     .default_value = "8KiB",
     .min = 64,
     .max = mib,
     .help = "Longest request target (path and query); longer ones are answered 414."},
    {.name = "request_header_bytes",
     .section = "limits",
     .type = OptionType::size,
     .default_value = "32KiB",
     .min = kib,
     .max = mib,
     .help = "All header fields of a request together; more is answered 431."},
    {.name = "request_fields",
     .section = "limits",
     .type = OptionType::integer,
     .default_value = "100",
     .unit = "fields",
     .min = 8,
     .max = 10000,
     .help = "Header fields of a request; more are answered 431."},
    {.name = "request_body_bytes",
     .section = "limits",
     .type = OptionType::size,
     .default_value = "1GiB",
     .min = 0,
     .max = 1024 * gib,
     .help = "Largest request body; a larger one is answered 413."},
    {.name = "body_memory_bytes",
     .section = "limits",
     .type = OptionType::size,
     .default_value = "16KiB",
     .min = 0,
     .max = 16 * mib,
     .help = "Request bodies up to this size stay in memory, larger ones go to an unlinked file."},
    {.name = "connections",
     .section = "limits",
     .type = OptionType::integer,
     .default_value = "20000",
     .unit = "connections",
     .min = 1,
     .max = 10e6,
     .help = "Client connections open at once; at the limit accepting pauses."},
    {.name = "queue",
     .section = "limits",
     .type = OptionType::integer,
     .default_value = "1024",
     .unit = "requests",
     .min = 1,
     .max = 32768,
     .help = "Requests of one app that wait or run; more are answered 503 with Retry-After."},
    {.name = "queue_wait",
     .section = "limits",
     .type = OptionType::duration,
     .default_value = "30s",
     .min = 0.001 * second,
     .max = hour,
     .help = "A request that no worker has taken for so long is answered 503."},
    {.name = "header_timeout",
     .section = "limits",
     .type = OptionType::duration,
     .default_value = "15s",
     .min = 0.001 * second,
     .max = hour,
     .help = "Time for a client to send a request's head; then 408."},
    {.name = "body_timeout",
     .section = "limits",
     .type = OptionType::duration,
     .default_value = "30s",
     .min = 0.001 * second,
     .max = hour,
     .help = "Longest pause while a client sends a body; then 408."},
    {.name = "idle_timeout",
     .section = "limits",
     .type = OptionType::duration,
     .default_value = "75s",
     .min = 0.001 * second,
     .max = 24 * hour,
     .help = "A kept-alive connection without a request for so long is closed."},
    {.name = "write_timeout",
     .section = "limits",
     .type = OptionType::duration,
     .default_value = "60s",
     .min = 0.001 * second,
     .max = hour,
     .help = "A client that takes nothing of its response for so long is dropped."},
    {.name = "drain_timeout",
     .section = "limits",
     .type = OptionType::duration,
     .default_value = "30s",
     .min = 0,
     .max = hour,
     .help = "After TERM, time to answer what was accepted; what is left then is cut off."},
    {.name = "response_buffer_bytes",
     .section = "limits",
     .type = OptionType::size,
     .default_value = "1MiB",
     .min = 4 * kib,
     .max = gib,
     .help = "Of one response, held for a slow client before its worker has to wait."},
};

}  // namespace

std::span<const Option> options() {
  return rows;
}

const Option* find_option(std::string_view section, std::string_view name) {
  for (const Option& row : rows) {
    if (name == row.name && (section.empty() || section == row.section)) return &row;
  }
  return nullptr;
}

}  // namespace labcoat::config
