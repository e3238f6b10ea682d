// Request bodies too large for memory: unlinked temporary files, found by the slot whose request
// they belong to. Edge threads put and drop, the control thread looks up when a worker asks; each
// call locks.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"

namespace labcoat::edge {

class BodyFiles {
 public:
  explicit BodyFiles(u32 slots) : entries_(slots) {}

  void put(u32 slot, u32 generation, std::shared_ptr<Fd> file);
  void drop(u32 slot);
  // Shared with the lookup: the connection may let go of the file while it is being sent.
  std::shared_ptr<Fd> find(u32 slot, u32 generation);

 private:
  struct Entry {
    u32 generation = 0;
    std::shared_ptr<Fd> file;
  };
  std::mutex mutex_;
  std::vector<Entry> entries_;
};

// A new unlinked file in TMPDIR or /tmp (O_TMPFILE).
Result<Fd> create_body_file();

}  // namespace labcoat::edge
