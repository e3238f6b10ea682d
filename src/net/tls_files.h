// TlsFiles: what stands in the files of certificates and keys. Read once, it can outlive the
// process that has read it, for the day when the files themselves can no longer be used.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"

namespace labcoat::net {

// Wiped when it ends. Not thread-safe.
class TlsFiles {
 public:
  TlsFiles() = default;  // those on disk
  // Those that save() has put there; the disk is not looked at.
  static constexpr i64 saved_bytes_max = 64 << 20;
  static Result<TlsFiles> saved(int file);
  TlsFiles(TlsFiles&& other) noexcept = default;
  TlsFiles& operator=(TlsFiles&&) = delete;
  ~TlsFiles();

  // The same text however often it is asked for. Errors name the file.
  Result<std::string_view> text(const std::string& file);

  // All that were asked for, in a sealed file in memory: on no disk, and in no dump of a process
  // that only holds the descriptor.
  Result<Fd> save() const;

 private:
  std::map<std::string, std::string> texts_;
  bool from_disk_ = true;
};

}  // namespace labcoat::net
