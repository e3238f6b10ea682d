#include "edge/body_files.h"

#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <unistd.h>

namespace labcoat::edge {

void BodyFiles::put(u32 slot, u32 generation, std::shared_ptr<Fd> file) {
  const std::lock_guard lock(mutex_);
  entries_[slot] = {generation, std::move(file)};
}

void BodyFiles::drop(u32 slot) {
  const std::lock_guard lock(mutex_);
  entries_[slot].file.reset();
}

std::shared_ptr<Fd> BodyFiles::find(u32 slot, u32 generation) {
  const std::lock_guard lock(mutex_);
  if (slot >= entries_.size() || entries_[slot].generation != generation) return nullptr;
  return entries_[slot].file;
}

Result<Fd> create_body_file() {
  const char* chosen = std::getenv("TMPDIR");
  const std::string directory = chosen != nullptr && *chosen != '\0' ? chosen : "/tmp";
  Fd file(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file) return file;
  // Not every file system knows O_TMPFILE.
  std::string name = directory + "/labcoat-body-XXXXXX";
  file = Fd(mkostemp(name.data(), O_CLOEXEC));
  if (!file) return fail_errno("cannot create a file for a request body in " + directory);
  ::unlink(name.c_str());
  return file;
}

}  // namespace labcoat::edge
