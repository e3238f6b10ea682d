// CachedFile: one name below the root of a file route as it was found there: a file with its
// representations (as it is, precompressed beside it, compressed by us), a directory, or nothing.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "answer/open_file.h"
#include "answer/response.h"
#include "http/accept_encoding.h"
#include "http/mime.h"
#include "routes/file_rules.h"

namespace labcoat::files {

// The bytes of a file in one coding, and what is said about them.
struct Representation {
  i64 bytes = 0;
  std::string content;  // all of it, when `file` is none
  answer::SharedFile file;
  std::string tag;                 // an ETag, with its quotes
  std::string lines;               // field lines of a 200 …
  answer::SharedSplitLines split;  // the same
  size_t lines_304 = 0;            // … of which the first so many bytes are those of a 304
};

class CachedFile {
 public:
  enum class Kind : u8 { file, directory, none };

  // Looks at `relative` (no slash in front; "" is the root itself) below `root`.
  void load(int root, const std::string& relative, const routes::FileRules& rules,
            const http::MimeTypes& types);
  // Whether a look would find the same. False also when the time stamps cannot tell.
  bool is_on_disk(int root, const std::string& relative) const;
  // Whether nobody has written to what would be sent from descriptors.
  bool is_as_told() const;

  Kind kind() const { return kind_; }
  // Of none: 403, 404, or 503 when nothing could be found out about it.
  int status() const { return status_; }
  bool out_of_descriptors() const { return out_of_descriptors_; }
  const std::string& type() const { return type_; }
  i64 modified_s() const { return identity_.modified_ns / seconds; }
  // Whether what a client is sent depends on what it accepts.
  bool varies() const { return varies_; }
  const Representation& plain() const { return plain_; }
  // Of a file: what a client is sent that accepts these. With `kept_only` nothing that we would
  // have to compress: parts of such a representation are not for sending.
  const Representation& choose(const http::AcceptedCodings& accepted, bool kept_only);

  i64 memory_bytes() const;
  size_t descriptors() const;

 private:
  static constexpr size_t coded_count = http::content_codings - 1;  // all but identity

  struct Coded {
    answer::FileIdentity identity;  // of the file beside it; inode 0: there is none
    bool by_us = false;             // may be made
    std::unique_ptr<Representation> representation;
  };

  void load_file(Fd fd, const std::string& relative, const routes::FileRules& rules, int root,
                 const http::MimeTypes& types);
  void load_neighbours(int root, const std::string& relative);
  bool compress(http::ContentCoding coding);
  void describe(Representation& out, http::ContentCoding coding,
                const answer::FileIdentity& of) const;

  Kind kind_ = Kind::none;
  int status_ = 404;
  bool out_of_descriptors_ = false;
  // It was so young when it was read that it may change again without its time stamps showing it.
  bool unsettled_ = false;
  bool neighbours_ = false;  // were looked for
  bool varies_ = false;      // there is, or may be, more than one representation
  answer::FileIdentity identity_;
  std::string type_;
  std::string cache_control_;  // a field line, or empty
  Representation plain_;
  std::array<Coded, coded_count> coded_;
};

}  // namespace labcoat::files
