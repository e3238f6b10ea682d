// Options of [app.NAME]: an app, its interpreter and its workers.
#include "config/option_tables.h"

namespace labcoat::config {

std::span<const Option> app_options() {
  using namespace bounds;
  static constexpr Option rows[] = {
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
       .help =
           "The Python interpreter (3.11 or newer); empty: that of VIRTUAL_ENV, else python3 on "
           "PATH."},
      {.name = "environment",
       .section = "app",
       .type = OptionType::text,
       .default_value = "",
       .help = "A table of environment variables that are added for the workers."},
      {.name = "user",
       .section = "app",
       .type = OptionType::text,
       .default_value = "",
       .help =
           "The user, by name or number, as whom the app is imported and its workers run; needs "
           "root. Empty: the user that started labcoat."},
      {.name = "group",
       .section = "app",
       .type = OptionType::text,
       .default_value = "",
       .help =
           "The group, by name or number, of the app's processes; needs root. Empty: the groups "
           "of the user."},
      {.name = "pre_fork",
       .section = "app",
       .type = OptionType::text,
       .default_value = "",
       .help = "MODULE:CALLABLE that is called without arguments in the process that has imported "
               "the app, before each worker is forked from it: to close what workers must not "
               "share, or to renew what they shall."},
      {.name = "post_fork",
       .section = "app",
       .type = OptionType::text,
       .default_value = "",
       .help = "MODULE:CALLABLE that is called without arguments in each worker before its first "
               "request: to open connections, or to start threads."},
      {.name = "warm_up",
       .section = "app",
       .type = OptionType::text,
       .default_value = "",
       .help =
           "Paths, or http(s)://HOST/PATH, by spaces, that the app is asked for right after its "
           "import, before workers are forked: what it makes at first requests is then made "
           "once and shared, and no worker's first requests are slow. Connections that these "
           "requests open must be closed in pre_fork."},
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
       .why = "A worker computes on one CPU at a time because of the interpreter's lock: fewer "
              "workers "
              "than CPUs leave some idle, more fill the waits of an app that waits.",
       .expect = "up",
       .risk = "memory"},
      {.name = "workers_min",
       .section = "app",
       .type = OptionType::integer,
       .default_value = "0",
       .unit = "processes",
       .min = 0,
       .max = 512,
       .help =
           "With workers_max: workers that nobody has needed for a while are taken away, down to "
           "so many; 0: as many as workers."},
      {.name = "workers_max",
       .section = "app",
       .type = OptionType::integer,
       .default_value = "0",
       .unit = "processes",
       .min = 0,
       .max = 512,
       .help =
           "When requests wait for a worker, more workers are started at once, up to so many and "
           "as far as the cgroup's memory.max has room for them; 0: as many as workers."},
      {.name = "scale_down",
       .section = "app",
       .type = OptionType::duration,
       .default_value = "30s",
       .min = second,
       .max = 24 * hour,
       .help =
           "With workers_min or workers_max: one worker is taken away when so long not all were "
           "needed."},
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
       .why =
           "Threads let a worker begin another request while one waits for a database or a disk; "
           "they contend for the interpreter's lock when the app computes.",
       .expect = "up",
       .risk = "semantics"},
      {.name = "interface",
       .section = "app",
       .type = OptionType::choice,
       .default_value = "auto",
       .choices = "auto wsgi asgi",
       .help =
           "The protocol that the app speaks; auto looks at the callable: a coroutine function, or "
           "an object whose __call__ is one, is ASGI."},
      {.name = "loop",
       .section = "app",
       .type = OptionType::choice,
       .default_value = "auto",
       .choices = "auto asyncio uvloop",
       .help = "The event loop of ASGI workers; auto is uvloop when the app's interpreter has it."},
      {.name = "in_flight",
       .section = "app",
       .type = OptionType::integer,
       .default_value = "100",
       .unit = "requests",
       .min = 1,
       .max = 10'000,
       .help =
           "Requests that an ASGI worker works on at a time; the others wait in the queue for a "
           "worker with room."},
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
      {.name = "worker_age_max",
       .section = "app",
       .type = OptionType::duration,
       .default_value = "0s",
       .min = 0,
       .max = 366 * 24 * hour,
       .help = "A worker is replaced when it is about so old (10 % more or less); 0s: never."},
      {.name = "worker_memory_max",
       .section = "app",
       .type = OptionType::size,
       .default_value = "0",
       .min = 0,
       .max = 1024 * gib,
       .help = "A worker that has grown to about so much memory (at most 10 % before) is replaced; "
               "counted is its own memory and its share of what it has in common with its siblings "
               "(PSS); 0: never."},
      {.name = "request_timeout",
       .section = "app",
       .type = OptionType::duration,
       .default_value = "0s",
       .min = 0,
       .max = 24 * hour,
       .help = "A worker that has worked on one request for so long is ended, after its Python "
               "stacks and the request's line went to the log; of ASGI the request's task is "
               "cancelled, "
               "and the worker only ended if that does not end it; 0s: never."},
      {.name = "gc",
       .section = "app",
       .type = OptionType::choice,
       .default_value = "freeze",
       .choices = "default freeze off between_requests",
       .help = "Python's cyclic garbage collector: as Python does it (default), with the app's "
               "start-up "
               "objects exempt (freeze), off, or run only between requests.",
       .levels = "between_requests off default",
       .why =
           "A collection walks over everything the app keeps, in the middle of some request, and "
           "copies the pages it shares with its siblings.",
       .expect = "up",
       .risk = "memory"},
      {.name = "immortal_objects",
       .section = "app",
       .type = OptionType::boolean,
       .default_value = "off",
       .help = "What the app has made before the fork is not counted any more by who uses it (PEP "
               "683) and is never freed: workers that only look at it go on sharing it. For "
               "Python 3.12 and 3.13; what an app replaces later stays.",
       .levels = "on off",
       .why = "Python writes into every object that it looks at, so that workers copy nearly all "
              "that they inherited, page by page, while they answer.",
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
       .why =
           "A process that stays on its CPU finds its data in that CPU's caches; bound processes "
           "cannot move out of each other's way.",
       .expect = "up"},
      {.name = "switch_interval",
       .section = "app",
       .type = OptionType::duration,
       .default_value = "5ms",
       .min = 1e4,
       .max = 1.0 * second,
       .help =
           "How long a thread of a worker may keep Python's lock while another one waits for it "
           "(sys.setswitchinterval).",
       .levels = "1ms 20ms",
       .log_scale = true,
       .why =
           "With threads, a short request waits behind the computing of a longer one for so long; "
           "a shorter interval lets it pass, at the price of more changes between threads."},
      {.name = "nice",
       .section = "app",
       .type = OptionType::integer,
       .default_value = "0",
       .min = 0,
       .max = 19,
       .help = "How much the workers stand back for other processes when CPU is short (nice).",
       .levels = "5",
       .why = "Workers that compute all the time keep the edge waiting for a CPU; when they stand "
              "back, requests are read and answers sent sooner."},
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

      {.name = "version_min",
       .section = "tls",
       .type = OptionType::choice,
       .default_value = "1.2",
       .choices = "1.2 1.3",
       .help = "The oldest version of TLS that clients may speak."},
  };
  return rows;
}

}  // namespace labcoat::config
