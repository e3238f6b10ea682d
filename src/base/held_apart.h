// held_apart: what threads share read-only, with a reference count for one of them: a count that
// all of them wrote to would be a cache line that goes from core to core.
#pragma once

#include <memory>
#include <utility>

namespace labcoat {

template <typename T>
std::shared_ptr<T> held_apart(std::shared_ptr<T> shared) {
  T* const raw = shared.get();
  if (raw == nullptr) return {};
  return {raw, [kept = std::move(shared)](T*) {}};
}

}  // namespace labcoat
