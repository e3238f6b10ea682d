// FileCache: the files of file routes, ready to be answered with. It keeps small contents in
// memory, descriptors of larger files, the field lines of both, and what is not there. One per edge
// thread; not thread-safe.
//
// An entry is looked at again when it was last looked at more than `valid_ns` ago, so a change
// shows after that time at the latest; a file that is sent from its descriptor is asked each time
// whether somebody has written to it.
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/counter.h"
#include "files/cached_file.h"
#include "http/mime.h"
#include "routes/router.h"

namespace labcoat::files {

// What a FileCache counts, of its thread.
struct FileCacheCounters {
  Counter& hits;
  Counter& misses;     // looked up on disk
  Counter& evictions;  // for want of room
};

class FileCache {
 public:
  struct Limits {
    size_t entries_max = 0;  // 0: nothing is kept
    i64 bytes_max = 0;
    size_t descriptors_max = 0;
    i64 valid_ns = 0;
  };
  // All outlive it.
  FileCache(const Limits& limits, const http::MimeTypes& types, const FileCacheCounters& count)
      : limits_(limits), types_(types), count_(count) {}

  // `relative` is normalised, without a slash in front; "" is the root itself. The answer is valid
  // until the next call.
  const CachedFile& find(const routes::Route& route, std::string_view relative, i64 now);
  // Of the file that find gave last: see CachedFile::choose. Valid until the next call of find.
  const Representation& choose(const http::AcceptedCodings& accepted, bool kept_only);

  // Closes files that nobody has asked for in a while, so that a deleted one does not hold its disk
  // space for ever. Returns whether any is still open.
  bool sweep(i64 now);
  bool has_open_files() const { return descriptors_ > 0; }

 private:
  struct Key {
    u64 route;                  // its serial
    std::string_view relative;  // of an entry: its own
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const;
  };
  struct Entry {
    const routes::Route* route = nullptr;  // only valid within find() of that route
    u64 serial = 0;                        // of the route
    std::string relative;
    CachedFile file;
    i64 bytes = 0;  // as counted against bytes_max
    i64 checked_ns = 0;
    i64 used_ns = 0;
  };
  // The most recently used first.
  using Entries = std::list<Entry>;

  Entries& list_of(const Entry& entry) {
    return entry.file.kind() == CachedFile::Kind::none ? missing_ : present_;
  }
  bool is_current(Entry& entry, i64 now) const;
  void load(Entry& entry);
  Entry& keep(Entry&& entry);
  void drop(Entries& from, Entries::iterator at);
  static i64 bytes_of(const Entry& entry);
  void evict(const Entry& newest);
  bool evict_one_descriptor(const Entry* spared = nullptr);

  const Limits limits_;
  const http::MimeTypes& types_;
  const FileCacheCounters count_;
  // Apart, so that whoever asks for many names that do not exist displaces no file.
  Entries present_, missing_;
  std::unordered_map<Key, Entries::iterator, KeyHash> index_;
  Entry unkept_;           // the answer when it is not kept
  Entry* last_ = nullptr;  // what find gave
  i64 bytes_ = 0;
  size_t descriptors_ = 0;
};

}  // namespace labcoat::files
