// What to answer to a GET or HEAD for a file of a file route. One per edge thread; not thread-safe.
#pragma once

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "files/file_cache.h"
#include "http/range.h"
#include "http/request.h"
#include "net/timeouts.h"

namespace labcoat::files {

// Bytes of our own and then bytes of a file (or none).
struct FilePiece {
  std::string before;
  answer::SharedFile file;
  i64 offset = 0;
  i64 bytes = 0;
};

// Views are valid until the next call.
struct StaticAnswer {
  int status = 404;        // 200, 206, 301, 304, 403, 404, 405, 412, 416, 503
  std::string_view lines;  // whole field lines
  const answer::SharedSplitLines* split = nullptr;  // the same, or nullptr
  bool has_body = false;                            // of 200 and 206: one of the following three
  std::string_view content;
  answer::SharedFile file;
  std::vector<FilePiece> pieces;
  i64 offset = 0;  // in file
  i64 bytes = 0;   // of the body
};

class StaticFiles final : public net::Timeout {
 public:
  // All outlive it. `sweeps` is how often unused files are looked for.
  StaticFiles(const FileCache::Limits& limits, const http::MimeTypes& types,
              const FileCacheCounters& count, net::TimeoutQueue& sweeps)
      : cache_(limits, types, count), sweeps_(sweeps), random_(std::random_device()()) {}

  // `path` is the normalised path of the request. Never leaves the route's root, whatever links are
  // in it (openat2).
  StaticAnswer answer(const routes::Route& route, std::string_view path,
                      const http::RequestHead& request, i64 now);

 private:
  void on_timeout() override;
  // The first file that is there of all that `relative` may mean, or nullptr; then `missing_` is
  // what its own name is.
  const CachedFile* find(const routes::Route& route, std::string_view relative, i64 now);
  const CachedFile* find_one(const routes::Route& route, std::string_view relative, i64 now);
  StaticAnswer refusal(int status, std::string_view lines = {});
  StaticAnswer redirect_to_directory(const http::RequestHead& request);
  StaticAnswer list(Fd directory, std::string_view path, const http::RequestHead& request);
  StaticAnswer answer_with(const CachedFile& file, const http::RequestHead& request);
  StaticAnswer answer_part(const CachedFile& file, const Representation& whole,
                           std::string_view range);
  StaticAnswer answer_parts(const CachedFile& file, const Representation& whole,
                            const http::Ranges& ranges);

  struct Missing {
    bool is_directory = false;  // without the slash at the end
    int status = 404;
  };

  FileCache cache_;
  net::TimeoutQueue& sweeps_;
  std::mt19937_64 random_;
  Missing missing_;
  // Memory that is used again: a name that is not part of the request's path, and lines and bodies
  // that are not those of the cache.
  std::string name_, lines_, body_;
};

}  // namespace labcoat::files
