#include "answer/open_file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace labcoat::answer {
namespace {

i64 nanoseconds(const timespec& time) {
  return i64{time.tv_sec} * seconds + time.tv_nsec;
}

}  // namespace

FileIdentity FileIdentity::of(const struct stat& info) {
  return {.device = info.st_dev,
          .inode = info.st_ino,
          .bytes = info.st_size,
          .modified_ns = nanoseconds(info.st_mtim),
          .changed_ns = nanoseconds(info.st_ctim)};
}

Fd open_below(int root, const char* relative, int flags) {
  open_how how{};
  how.flags = static_cast<u64>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return Fd(static_cast<int>(syscall(SYS_openat2, root, relative, &how, sizeof how)));
}

// A new name, or none any more, changes nothing of the content: changed_ns is not asked.
bool OpenFile::is_as_told() const {
  if (!has_told_) return true;
  struct stat info;
  if (fstat(fd_.get(), &info) != 0) return false;
  return info.st_size == told_.bytes && nanoseconds(info.st_mtim) == told_.modified_ns;
}

}  // namespace labcoat::answer
