#include "bench/generator.h"

#include <algorithm>
#include <barrier>
#include <limits>
#include <sys/resource.h>
#include <thread>

#include "bench/loop.h"

namespace labcoat::bench {
namespace {

// Connections are made before the clock starts, but a server that does not accept must not hold the
// run for long.
constexpr i64 connect_all_max_ns = 3 * seconds;
// Descriptors of our own: standard streams, epoll, files of the caller.
constexpr rlim_t files_beside = 64;

Status check_options(const LoadOptions& options) {
  if (options.threads < 1 || options.threads > threads_max) {
    return fail("the number of threads must be from 1 to " + std::to_string(threads_max) +
                ", not " + std::to_string(options.threads));
  }
  if (options.connections < 1 || options.connections > connections_max) {
    return fail("the number of connections must be from 1 to " + std::to_string(connections_max) +
                ", not " + std::to_string(options.connections));
  }
  if (options.connections < options.threads) {
    return fail("each thread needs a connection, but there are " + std::to_string(options.threads) +
                " threads for " + std::to_string(options.connections) + " connections");
  }
  if (options.rate < 0) return fail("the rate cannot be negative");
  if (options.timeout_ns <= 0) return fail("the timeout must be longer than 0");
  for (const Target& target : options.targets) {
    if (target.url.scheme != "http") {
      return fail(
          "the load generator speaks HTTP/1.1 without TLS so far: use an http:// URL, not " +
          target.url.scheme + "://");
    }
  }
  return {};
}

// Each connection is a descriptor; the soft limit is raised as far as the hard one allows.
Status make_room_for(int connections) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t needed = static_cast<rlim_t>(connections) + files_beside;
  if (limit.rlim_cur >= needed) return {};
  rlimit raised = limit;
  raised.rlim_cur = std::min(needed, limit.rlim_max);
  if (raised.rlim_cur < needed || setrlimit(RLIMIT_NOFILE, &raised) != 0) {
    return fail(std::to_string(connections) + " connections need " + std::to_string(needed) +
                " file descriptors, but only " + std::to_string(limit.rlim_max) +
                " are allowed; raise the limit with 'ulimit -n " + std::to_string(needed) +
                "' or use fewer connections");
  }
  return {};
}

// Thread `index`'s part of `total`: as equal as whole numbers allow.
u64 part_of(u64 total, size_t index, size_t threads) {
  return total / threads + (index < total % threads ? 1 : 0);
}

}  // namespace

Generator::Generator(LoadOptions options) : options_(std::move(options)) {}

Generator::~Generator() = default;

Status Generator::check(const LoadOptions& options) {
  if (Status status = check_options(options); !status) return status;
  if (const auto mix = Mix::make(options.targets); !mix) {
    return tl::unexpected<Error>(mix.error());
  }
  return {};
}

Result<std::unique_ptr<Generator>> Generator::open(LoadOptions options) {
  if (const Status status = check_options(options); !status) {
    return tl::unexpected<Error>(status.error());
  }
  auto mix = Mix::make(options.targets);
  if (!mix) return tl::unexpected<Error>(mix.error());
  if (const Status room = make_room_for(options.connections); !room) {
    return tl::unexpected<Error>(room.error());
  }
  const http::Url& url = options.targets.front().url;
  auto address = options.unix_socket.empty()
                     ? find_listener(url.host, url.port, options.timeout_ns)
                     : find_unix_listener(options.unix_socket, options.timeout_ns);
  if (!address) return tl::unexpected<Error>(address.error());

  std::unique_ptr<Generator> made(new Generator(std::move(options)));
  const LoadOptions& kept = made->options_;
  made->plan_ = std::make_unique<LoadPlan>(LoadPlan{.address = *address,
                                                    .mix = std::move(*mix),
                                                    .timeout_ns = kept.timeout_ns,
                                                    .open_loop = kept.rate > 0});
  const auto threads = static_cast<size_t>(kept.threads);
  Random seeds(kept.seed);
  for (size_t i = 0; i < threads; ++i) {
    const u64 connections = part_of(static_cast<u64>(kept.connections), i, threads);
    // The sum of independent Poisson processes is one of the summed rate.
    const double rate = kept.rate * static_cast<double>(connections) / kept.connections;
    made->loops_.push_back(std::make_unique<Loop>(
        *made->plan_, made->stopped_,
        LoopOptions{
            .connections = static_cast<int>(connections), .rate = rate, .seed = seeds.next()}));
    if (const Status opened = made->loops_.back()->open(); !opened) {
      return tl::unexpected<Error>(opened.error());
    }
  }
  return made;
}

SliceResult Generator::run(SliceEnd end) {
  const size_t count = loops_.size();
  std::vector<SliceResult> results(count);
  std::barrier start(static_cast<std::ptrdiff_t>(count));
  const i64 connect_until = now_ns() + std::min(options_.timeout_ns, connect_all_max_ns);
  const auto work = [&](size_t index) {
    SliceEnd part = end;
    part.requests_max = part_of(end.requests_max, index, count);
    loops_[index]->connect_all(connect_until);
    start.arrive_and_wait();
    // Fewer requests than threads: 0 would mean no bound.
    if (end.requests_max == 0 || part.requests_max > 0) results[index] = loops_[index]->run(part);
  };
  std::vector<std::thread> others;
  for (size_t i = 1; i < count; ++i) others.emplace_back(work, i);
  work(0);
  for (std::thread& other : others) other.join();
  for (size_t i = 1; i < count; ++i) results[0].merge_thread(results[i]);
  return std::move(results[0]);
}

u64 Generator::answered() const {
  u64 sum = 0;
  for (const auto& loop : loops_) sum += loop->answered();
  return sum;
}

}  // namespace labcoat::bench
