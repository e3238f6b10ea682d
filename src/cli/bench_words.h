// The words after `labcoat bench`, and what they mean.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "bench/gate.h"
#include "bench/generator.h"

namespace labcoat {

struct BenchJob {
  bench::LoadOptions load;
  std::string url;  // for the report
  bench::SliceEnd end;
  i64 warmup_ns = 0;
  bool calibrate = true;
  std::vector<bench::Gate> gates;
  std::string json;  // a path, "-" or nothing
  std::string help;  // not empty: the user asked for this text and nothing else
};

// argv[0] is "bench". Everything that can be known to be wrong before the network is touched is an
// error here, in one sentence that names the flag.
Result<BenchJob> read_bench_words(int argc, char** argv);

}  // namespace labcoat
