// Load: what the laboratory asks of a server while it measures, the same for both arms.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/histogram.h"
#include "bench/generator.h"
#include "lab/metric.h"

namespace labcoat {

// One kind of request of the mix.
struct LoadUrl {
  std::string path = "/";
  double weight = 1;
  std::string method = "GET";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

struct Load {
  std::vector<LoadUrl> urls;
  int connections = 16;
  double rate = 0;  // requests per second, open loop; 0: closed loop at full speed

  // "16 connections at full speed: 5x GET /, 1x POST /notes"
  std::string describe() const;
};

// "5 /search?q=a", or a path alone.
Result<LoadUrl> parse_load_url(std::string_view text);

// Connections to one arm's server that stay open from slice to slice.
class LoadClient {
 public:
  // `seed` decides the order of the mix: both arms of a block get the same. The error says that
  // nobody listens.
  static Result<LoadClient> open(const Load& load, int port, u64 seed);

  // Asks for so long, or so many requests (0: no bound), whichever ends first, and waits for what
  // is under way. `latency` gets every answer.
  ArmSample run(i64 duration_ns, u64 requests_max, Histogram& latency);

 private:
  explicit LoadClient(std::unique_ptr<bench::Generator> generator)
      : generator_(std::move(generator)) {}

  std::unique_ptr<bench::Generator> generator_;
};

}  // namespace labcoat
