#include "files/file_cache.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace labcoat::files {
namespace {

constexpr i64 unused_after_ns = 2 * seconds;
// Of all entries, those that may be of names that do not exist.
constexpr size_t missing_share = 4;

}  // namespace

size_t FileCache::KeyHash::operator()(const Key& key) const {
  return std::hash<std::string_view>()(key.relative) ^ (key.route * 0x9e3779b97f4a7c15);
}

const CachedFile& FileCache::find(const routes::Route& route, std::string_view relative, i64 now) {
  if (const auto found = index_.find({route.serial, relative}); found != index_.end()) {
    const auto at = found->second;
    Entries& entries = list_of(*at);
    if (is_current(*at, now)) {
      count_.hits.add();
      at->used_ns = now;
      if (at != entries.begin()) entries.splice(entries.begin(), entries, at);
      last_ = &*at;
      return at->file;
    }
    drop(entries, at);
  }
  count_.misses.add();
  Entry entry;
  entry.route = &route;
  entry.serial = route.serial;
  entry.relative = relative;
  entry.checked_ns = entry.used_ns = now;
  load(entry);
  last_ = &keep(std::move(entry));
  return last_->file;
}

const Representation& FileCache::choose(const http::AcceptedCodings& accepted, bool kept_only) {
  const Representation& chosen = last_->file.choose(accepted, kept_only);
  if (last_ != &unkept_) {
    const i64 bytes = bytes_of(*last_);
    bytes_ += bytes - std::exchange(last_->bytes, bytes);
    evict(*last_);
  }
  return chosen;
}

bool FileCache::is_current(Entry& entry, i64 now) const {
  if (!entry.file.is_as_told()) return false;
  if (now - entry.checked_ns < limits_.valid_ns) return true;
  if (!entry.file.is_on_disk(entry.route->files.get(), entry.relative)) return false;
  entry.checked_ns = now;
  return true;
}

void FileCache::load(Entry& entry) {
  const routes::Route& route = *entry.route;
  const auto load = [&] {
    entry.file.load(route.files.get(), entry.relative, route.file_rules, types_);
  };
  load();
  while (entry.file.out_of_descriptors() && evict_one_descriptor()) load();
}

i64 FileCache::bytes_of(const Entry& entry) {
  return static_cast<i64>(sizeof entry + entry.relative.size()) + entry.file.memory_bytes();
}

FileCache::Entry& FileCache::keep(Entry&& entry) {
  const CachedFile& file = entry.file;
  entry.bytes = bytes_of(entry);
  // Want of descriptors or memory is not a fact about the file.
  const bool lasting = file.kind() != CachedFile::Kind::none || file.status() != 503;
  if (limits_.entries_max == 0 || entry.bytes > limits_.bytes_max || !lasting) {
    unkept_ = std::move(entry);
    return unkept_;
  }
  bytes_ += entry.bytes;
  descriptors_ += file.descriptors();
  Entries& entries = list_of(entry);
  entries.push_front(std::move(entry));
  const auto at = entries.begin();
  index_.emplace(Key{at->serial, at->relative}, at);
  evict(*at);
  return *at;
}

void FileCache::drop(Entries& from, Entries::iterator at) {
  bytes_ -= at->bytes;
  descriptors_ -= at->file.descriptors();
  index_.erase({at->serial, at->relative});
  from.erase(at);
}

// The oldest go until everything fits again; `newest`, at the front of its list, stays.
void FileCache::evict(const Entry& newest) {
  const size_t missing_max = std::max<size_t>(1, limits_.entries_max / missing_share);
  const auto spare = [&](const Entries& entries) {
    return !entries.empty() && &entries.back() != &newest;
  };
  while (missing_.size() > missing_max || index_.size() > limits_.entries_max ||
         bytes_ > limits_.bytes_max) {
    const bool of_missing = missing_.size() > missing_max || !spare(present_);
    Entries& entries = of_missing ? missing_ : present_;
    if (!spare(entries)) return;
    count_.evictions.add();
    drop(entries, std::prev(entries.end()));
  }
  while (descriptors_ > limits_.descriptors_max && evict_one_descriptor(&newest)) {
  }
}

bool FileCache::evict_one_descriptor(const Entry* spared) {
  const auto oldest = std::find_if(present_.rbegin(), present_.rend(), [&](const Entry& entry) {
    return &entry != spared && entry.file.descriptors() > 0;
  });
  if (oldest == present_.rend()) return false;
  count_.evictions.add();
  drop(present_, std::prev(oldest.base()));
  return true;
}

bool FileCache::sweep(i64 now) {
  for (auto at = present_.end(); at != present_.begin();) {
    --at;
    if (now - at->used_ns < unused_after_ns) break;
    if (at->file.descriptors() == 0) continue;
    const auto next = std::next(at);
    drop(present_, at);
    at = next;
  }
  return descriptors_ > 0;
}

}  // namespace labcoat::files
