// Files below the root of a route: opened so that neither a path nor a link leads outside, and
// remembered as a client was told about them, so that one that is written to while it is sent is
// noticed.
#pragma once

#include <memory>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fd.h"

namespace labcoat::answer {

// Which file it is and in which state. Two that are equal have the same content, as far as the
// kernel's time stamps can tell.
struct FileIdentity {
  u64 device = 0;
  u64 inode = 0;
  i64 bytes = 0;
  i64 modified_ns = 0;
  i64 changed_ns = 0;  // content, owner, mode or links

  static FileIdentity of(const struct stat& info);
  bool operator==(const FileIdentity&) const = default;
};

// openat2 with RESOLVE_BENEATH: EXDEV for what lies outside. `relative` is "." for the root itself.
Fd open_below(int root, const char* relative, int flags);

// An open file that any number of responses may be sending at once.
class OpenFile {
 public:
  // One that somebody else answers for.
  explicit OpenFile(Fd fd) : fd_(std::move(fd)) {}
  OpenFile(Fd fd, const FileIdentity& told) : fd_(std::move(fd)), told_(told), has_told_(true) {}

  int fd() const { return fd_.get(); }
  // False: it has been written to since its length and tag were read. What is sent from now on
  // would be wrong under that length and tag: break the response off.
  bool is_as_told() const;

 private:
  Fd fd_;
  FileIdentity told_;
  bool has_told_ = false;
};

// Its owners: the file cache, and the sinks that are sending it.
using SharedFile = std::shared_ptr<const OpenFile>;

}  // namespace labcoat::answer
