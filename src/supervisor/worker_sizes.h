// WorkerSizes: what a worker of an app holds in memory when it has begun to work and has not had
// time to grow: the median of the last that were looked at. A worker's first requests load what
// the app loads late, so a worker before them says too little, and an old one too much.
#pragma once

#include <algorithm>
#include <vector>

#include "base/clock.h"

namespace labcoat::supervisor {

class WorkerSizes {
 public:
  static constexpr u64 requests_first = 10;  // after so many a worker is looked at
  static constexpr size_t sizes_max = 15;    // of the last so many

  void add(i64 bytes) {
    if (sizes_.size() == sizes_max) sizes_.erase(sizes_.begin());
    sizes_.push_back(bytes);
  }
  void clear() { sizes_.clear(); }  // other code is another size

  // -1: not known yet.
  i64 typical() const {
    if (sizes_.empty()) return -1;
    std::vector<i64> sorted = sizes_;
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    return *middle;
  }

 private:
  std::vector<i64> sizes_;
};

}  // namespace labcoat::supervisor
