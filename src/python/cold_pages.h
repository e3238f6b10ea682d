// ColdPages packs memory of this process that nobody needs for a while: the pages that the workers
// shared with the zygote by fork until each of them had written its own copy. Then the zygote's is
// there for the next fork only, and it is as large as what one worker has made its own.
//
// While something is packed, the process must not run any code but a system call: see rest.h.
//
// Everything that is needed to unpack lies in memory of its own, mapped shared, which is never
// packed itself; nothing is allocated in between.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace labcoat::python {

// Pages mapped for one purpose. Plain, because its owner must not have a destructor run at a bad
// moment.
struct Area {
  char* at = nullptr;
  size_t bytes = 0;

  static Area map(size_t bytes);  // at is null when there is no memory
  void unmap();
  void shrink(size_t used);
};

class ColdPages {
 public:
  ColdPages() = default;
  ColdPages(const ColdPages&) = delete;
  ColdPages& operator=(const ColdPages&) = delete;

  // Packs the pages of private anonymous memory that no other process maps, and gives them back to
  // the kernel. Not the stack, nor what lies near the thread's own data or behind a library.
  // Returns how many; 0: too few, they do not get smaller, or the kernel does not tell. No other
  // thread may exist, and no signal handler may run until unpack().
  size_t pack();
  // All is as it was.
  void unpack();

 private:
  struct Batch;

  static constexpr size_t batches_max = 64;
  std::array<Area, batches_max> batches_{};  // of chunks, one behind the other
  size_t count_ = 0;
};

}  // namespace labcoat::python
