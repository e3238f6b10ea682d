// EndpointIds hands out the endpoint ids of one channel. An id that a dead worker had is not given
// to another before the edge has let go of it: a late frame under an old id must never be taken for
// a new worker's.
#pragma once

#include <cstddef>
#include <vector>

namespace labcoat::supervisor {

class EndpointIds {
 public:
  explicit EndpointIds(int count);

  // The lowest free ids; empty when there are not so many.
  std::vector<int> take(int count);
  // The edge has let go of them. Ids that are not out are ignored: the edge's word is checked.
  void give_back(const std::vector<int>& ids);
  int free_count() const { return free_count_; }

 private:
  std::vector<bool> taken_;
  int free_count_;
};

}  // namespace labcoat::supervisor
