#include "bench/calibrate.h"

#include "bench/null_responder.h"

namespace labcoat::bench {

Result<double> measure_ceiling(const LoadOptions& like, i64 duration_ns) {
  auto responder = NullResponder::start();
  if (!responder) return tl::unexpected<Error>(responder.error());
  Target target;
  target.url.scheme = "http";
  target.url.host = "127.0.0.1";
  target.url.port = (*responder)->port();
  target.url.target = "/";
  LoadOptions options;
  options.targets = {target};
  options.connections = like.connections;
  options.threads = like.threads;
  auto generator = Generator::open(std::move(options));
  if (!generator) return tl::unexpected<Error>(generator.error());

  (*generator)->run(duration_ns / 10);  // pages, caches, the kernel's sockets
  const SliceResult result = (*generator)->run(duration_ns);
  i64 cpu_ns = 0;
  for (const ThreadUse& thread : result.threads) cpu_ns += thread.cpu_ns;
  if (cpu_ns == 0 || result.responses_in_time == 0) {
    return fail("the calibration got no answer from this program's own responder");
  }
  const double per_thread =
      static_cast<double>(result.responses_in_time) * 1e9 / static_cast<double>(cpu_ns);
  return per_thread * static_cast<double>(result.threads.size());
}

}  // namespace labcoat::bench
