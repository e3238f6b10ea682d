// Content types by file name.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"

namespace labcoat::http {

// Extension to content type. Built in: the types a web site is made of; load() adds the system's
// list.
class MimeTypes {
 public:
  MimeTypes();
  // Reads a file in the format of /etc/mime.types. Entries replace the built-in ones only when they
  // are new.
  Status load(const std::string& path);
  // By the last extension, case-insensitive; "application/octet-stream" when unknown. Text types
  // carry
  // "; charset=utf-8".
  std::string_view of(std::string_view file_name) const;

 private:
  std::unordered_map<std::string, std::string> by_extension_;
};

}  // namespace labcoat::http
