#include "supervisor/endpoint_ids.h"

namespace labcoat::supervisor {

EndpointIds::EndpointIds(int count) : taken_(static_cast<size_t>(count)), free_count_(count) {}

std::vector<int> EndpointIds::take(int count) {
  std::vector<int> ids;
  if (count > free_count_) return ids;
  for (size_t id = 0; static_cast<int>(ids.size()) < count; ++id) {
    if (taken_[id]) continue;
    taken_[id] = true;
    ids.push_back(static_cast<int>(id));
  }
  free_count_ -= count;
  return ids;
}

void EndpointIds::give_back(const std::vector<int>& ids) {
  for (const int id : ids) {
    const auto index = static_cast<size_t>(id);
    if (id < 0 || index >= taken_.size() || !taken_[index]) continue;
    taken_[index] = false;
    ++free_count_;
  }
}

}  // namespace labcoat::supervisor
