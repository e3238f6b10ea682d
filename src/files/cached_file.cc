#include "files/cached_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

#include "http/compress.h"
#include "http/date.h"

namespace labcoat::files {
namespace {

using http::ContentCoding;

// Contents up to this size are kept in memory: head and body then go out in one system call, and
// copying so little costs less than the second one.
constexpr i64 content_bytes_max = 16 * 1024;
// File systems stamp a change with the time of their last tick: 10 ms, on some 2 s.
constexpr i64 settled_after_ns = 2 * seconds;
constexpr int reads_max = 3;
// What we compress: less is not worth the head it takes, more would hold up the other clients of
// this thread (it takes some 20 ms); larger files can be compressed beforehand.
constexpr i64 compress_bytes_min = 1024;
constexpr i64 compress_bytes_max = 512 * 1024;

constexpr const char* extensions[] = {".br", ".zst", ".gz"};  // by ContentCoding

int status_of(int error_number) {
  switch (error_number) {
    case EACCES:
    case EPERM:
    case EXDEV:
    case ELOOP:
      return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:  // openat2: a rename went on beside it
    case EIO:
      return 503;
    default:
      return 404;
  }
}

const char* name_of(const std::string& relative) {
  return relative.empty() ? "." : relative.c_str();
}

Fd open_to_read(int root, const std::string& relative) {
  return answer::open_below(root, name_of(relative), O_RDONLY | O_NONBLOCK | O_NOCTTY);
}

// inode 0: nothing is there, or nothing that may be looked at.
answer::FileIdentity look_at(int root, const std::string& relative) {
  const Fd fd = answer::open_below(root, name_of(relative), O_PATH);
  struct stat info;
  if (!fd || fstat(fd.get(), &info) != 0) return {};
  return answer::FileIdentity::of(info);
}

bool read_whole(int fd, std::string& out) {
  for (size_t done = 0; done < out.size();) {
    const ssize_t got = pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += static_cast<size_t>(got);
  }
  return true;
}

// Into memory when it is small, else as a descriptor; `identity` is brought up to date. What is
// written to while it is read is read again, or sent from the descriptor, which notices.
void take_bytes(Fd fd, answer::FileIdentity& identity, Representation& out) {
  bool whole = false;
  for (int i = 0; !whole && i < reads_max && identity.bytes <= content_bytes_max; ++i) {
    out.content.resize(static_cast<size_t>(identity.bytes));
    whole = read_whole(fd.get(), out.content);
    struct stat info;
    if (fstat(fd.get(), &info) != 0) continue;
    const answer::FileIdentity after = answer::FileIdentity::of(info);
    whole = whole && after == identity;
    identity = after;
  }
  out.bytes = identity.bytes;
  if (whole) return;
  out.content = std::string();
  out.file = std::make_shared<answer::OpenFile>(std::move(fd), identity);
}

// Strong as far as a file's identity can tell: size and the nanosecond it was changed.
std::string entity_tag(const answer::FileIdentity& identity, std::string_view suffix) {
  char text[64];
  const int length = std::snprintf(text, sizeof text, "\"%llx-%llx",
                                   static_cast<unsigned long long>(identity.bytes),
                                   static_cast<unsigned long long>(identity.modified_ns));
  std::string tag(text, static_cast<size_t>(length));
  if (!suffix.empty()) tag.append("-").append(suffix);
  return tag.append("\"");
}

i64 size_of(const Representation& representation) {
  return static_cast<i64>(representation.content.size() + representation.lines.size() +
                          representation.tag.size() +
                          (representation.split ? representation.split->memory_bytes() : 0));
}

}  // namespace

void CachedFile::load(int root, const std::string& relative, const routes::FileRules& rules,
                      const http::MimeTypes& types) {
  *this = CachedFile();
  Fd fd = open_to_read(root, relative);
  struct stat info;
  if (!fd || fstat(fd.get(), &info) != 0) {
    status_ = status_of(errno);
    out_of_descriptors_ = errno == EMFILE || errno == ENFILE;
    return;
  }
  identity_ = answer::FileIdentity::of(info);
  if (S_ISREG(info.st_mode)) {
    load_file(std::move(fd), relative, rules, root, types);
  } else if (S_ISDIR(info.st_mode)) {
    kind_ = Kind::directory;
  } else {
    status_ = 403;
  }
}

void CachedFile::load_file(Fd fd, const std::string& relative, const routes::FileRules& rules,
                           int root, const http::MimeTypes& types) {
  kind_ = Kind::file;
  take_bytes(std::move(fd), identity_, plain_);
  unsettled_ = wall_ns() - identity_.changed_ns < settled_after_ns;
  type_ = types.of(relative);
  if (!rules.cache_control.empty()) {
    cache_control_.append("Cache-Control: ").append(rules.cache_control).append("\r\n");
  }
  const bool worth_it = http::is_compressible(type_);
  if (rules.precompressed && worth_it) load_neighbours(root, relative);
  const bool may_compress = rules.compress != 0 && worth_it && !varies_ &&
                            identity_.bytes >= compress_bytes_min &&
                            identity_.bytes <= compress_bytes_max;
  for (size_t i = 0; i < coded_count; ++i) {
    coded_[i].by_us = may_compress && (rules.compress >> i & 1) != 0;
  }
  varies_ = varies_ || may_compress;
  describe(plain_, ContentCoding::identity, identity_);
  for (size_t i = 0; i < coded_count; ++i) {
    Coded& coded = coded_[i];
    if (coded.representation) {
      describe(*coded.representation, static_cast<ContentCoding>(i), coded.identity);
    }
  }
}

// One that is older than the file itself was made from another version of it.
void CachedFile::load_neighbours(int root, const std::string& relative) {
  neighbours_ = true;
  for (size_t i = 0; i < coded_count; ++i) {
    Coded& coded = coded_[i];
    Fd fd = open_to_read(root, relative + extensions[i]);
    struct stat info;
    if (!fd || fstat(fd.get(), &info) != 0) {
      coded.identity = look_at(root, relative + extensions[i]);
      continue;
    }
    coded.identity = answer::FileIdentity::of(info);
    const bool older = coded.identity.modified_ns / seconds < modified_s();
    if (!S_ISREG(info.st_mode) || older) continue;
    coded.representation = std::make_unique<Representation>();
    take_bytes(std::move(fd), coded.identity, *coded.representation);
    unsettled_ = unsettled_ || wall_ns() - coded.identity.changed_ns < settled_after_ns;
    varies_ = true;
  }
}

void CachedFile::describe(Representation& out, ContentCoding coding,
                          const answer::FileIdentity& of) const {
  const bool identity = coding == ContentCoding::identity;
  std::string date(http::date_bytes, ' ');
  http::write_date(modified_s(), date.data());
  out.tag = entity_tag(of, identity ? "" : http::name_of(coding));
  out.lines.append("Last-Modified: ").append(date).append("\r\nETag: ").append(out.tag);
  out.lines.append("\r\n").append(cache_control_);
  if (varies_) out.lines.append("Vary: Accept-Encoding\r\n");
  out.lines_304 = out.lines.size();
  // Of what we compressed no parts are sent.
  const bool parts = identity || !coded_[static_cast<size_t>(coding)].by_us;
  if (parts) out.lines.append("Accept-Ranges: bytes\r\n");
  out.lines.append("Content-Type: ").append(type_).append("\r\n");
  if (!identity) {
    out.lines.append("Content-Encoding: ").append(http::name_of(coding)).append("\r\n");
  }
  out.split = std::make_shared<const answer::SplitLines>(out.lines);
}

bool CachedFile::is_on_disk(int root, const std::string& relative) const {
  if (kind_ == Kind::none || unsettled_ || look_at(root, relative) != identity_) return false;
  if (!neighbours_) return true;
  for (size_t i = 0; i < coded_count; ++i) {
    if (look_at(root, relative + extensions[i]) != coded_[i].identity) return false;
  }
  return true;
}

bool CachedFile::is_as_told() const {
  const auto good = [](const Representation& one) { return !one.file || one.file->is_as_told(); };
  return good(plain_) && std::all_of(coded_.begin(), coded_.end(), [&](const Coded& coded) {
           return !coded.representation || good(*coded.representation);
         });
}

const Representation& CachedFile::choose(const http::AcceptedCodings& accepted, bool kept_only) {
  for (;;) {
    unsigned available = 1U << coded_count;  // identity
    for (size_t i = 0; i < coded_count; ++i) {
      const Coded& coded = coded_[i];
      const bool there = coded.by_us ? !kept_only : coded.representation != nullptr;
      if (there) available |= 1U << i;
    }
    const ContentCoding coding = http::choose_coding(accepted, available);
    if (coding == ContentCoding::identity) return plain_;
    Coded& coded = coded_[static_cast<size_t>(coding)];
    if (coded.representation || compress(coding)) return *coded.representation;
  }
}

// False: it would not be smaller, or cannot be read; then it is not tried again.
bool CachedFile::compress(ContentCoding coding) {
  Coded& coded = coded_[static_cast<size_t>(coding)];
  std::string read;
  if (plain_.file) {
    read.resize(static_cast<size_t>(plain_.bytes));
    if (!read_whole(plain_.file->fd(), read) || !plain_.file->is_as_told()) read.clear();
  }
  std::string content = http::compressed(plain_.file ? read : plain_.content, coding,
                                         http::Compressor::Effort::stored);
  if (content.empty()) {
    coded.by_us = false;
    return false;
  }
  coded.representation = std::make_unique<Representation>();
  coded.representation->bytes = static_cast<i64>(content.size());
  coded.representation->content = std::move(content);
  describe(*coded.representation, coding, identity_);
  return true;
}

i64 CachedFile::memory_bytes() const {
  i64 bytes = static_cast<i64>(sizeof *this + type_.size() + cache_control_.size());
  bytes += size_of(plain_);
  for (const Coded& coded : coded_) {
    if (coded.representation) {
      bytes += static_cast<i64>(sizeof *coded.representation) + size_of(*coded.representation);
    }
  }
  return bytes;
}

size_t CachedFile::descriptors() const {
  size_t count = plain_.file ? 1 : 0;
  for (const Coded& coded : coded_) count += coded.representation && coded.representation->file;
  return count;
}

}  // namespace labcoat::files
