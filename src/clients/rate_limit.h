// RateLimit: a token bucket for each key (an address, the value of a field, a route), in a table of
// fixed size. Each bucket is one number, the time at which it will be full again (the "generic cell
// rate algorithm" of ATM): taking a token moves it on by the interval of one token, and a request
// is refused when it would lie further ahead than the burst allows. A key is only known by its hash
// with a secret, so that nobody can choose keys that meet.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace labcoat::clients {

// Thread-safe.
class RateLimit {
 public:
  struct Options {
    size_t buckets = 65536;
    u64 secret = 0;
  };
  explicit RateLimit(Options options);
  struct Rate {
    i64 interval_ns = 0;  // of one token
    i64 burst = 1;        // tokens of a full bucket, at least 1
  };

  struct Verdict {
    i64 wait_ns = 0;       // 0: go on; else no token is there for so long
    bool evicted = false;  // a bucket that was not full had to be forgotten
  };
  // A key has always the same rate.
  Verdict take(std::string_view key, const Rate& rate, i64 now);

 private:
  // A key has its place in one set. A new one takes the place of the bucket that is full the
  // soonest: a full bucket is as good as none, so forgetting it loses nothing.
  static constexpr size_t ways = 8;
  static constexpr size_t locks = 64;
  struct Bucket {
    u64 key = 0;
    i64 full_at_ns = 0;
  };

  const Options options_;
  const size_t sets_;
  std::vector<std::array<Bucket, ways>> table_;
  std::array<std::mutex, locks> mutexes_;  // set i is guarded by mutex i % locks
};

}  // namespace labcoat::clients
