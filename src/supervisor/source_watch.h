// SourceWatch notices when a Python file below a directory is written, moved or removed: for
// `labcoat serve --reload`, while somebody develops.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "net/loop.h"

namespace labcoat::supervisor {

// Not movable: the loop holds its address. `loop` outlives it.
class SourceWatch final : private net::Watcher {
 public:
  // An editor and a version control system write several files: so long nothing more may come.
  static constexpr i64 quiet_ns = 100 * ms;
  static constexpr size_t directories_max = 10'000;  // those beyond are not watched, which is said

  // With the last of the files that changed. Called by expire().
  using OnChange = std::function<void(const std::string& path)>;

  // Hidden directories, caches, virtual environments and node_modules are left out.
  static Result<std::unique_ptr<SourceWatch>> open(net::Loop& loop, const std::string& directory,
                                                   OnChange on_change);
  ~SourceWatch();
  SourceWatch(const SourceWatch&) = delete;
  SourceWatch& operator=(const SourceWatch&) = delete;

  i64 due() const { return due_ns_; }  // the largest number while nothing has changed
  void expire(i64 now);

 private:
  SourceWatch(net::Loop& loop, Fd inotify, OnChange on_change);
  void on_events(u32 events) override;
  void add(const std::string& directory);
  void changed(std::string path);

  net::Loop& loop_;
  Fd inotify_;
  OnChange on_change_;
  std::map<int, std::string> directories_;  // by watch descriptor
  bool is_new_ = true;                      // what is found below is the start, not a change
  bool limit_said_ = false;
  std::string changed_;
  i64 due_ns_;
};

}  // namespace labcoat::supervisor
