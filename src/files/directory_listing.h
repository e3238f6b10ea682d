// The listing of a directory, for people (HTML) or programs (JSON). Names are other people's words:
// escaped for where they stand.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"

namespace labcoat::files {

struct ListedFile {
  std::string name;
  bool is_directory = false;
  i64 bytes = 0;
  i64 modified_s = 0;
};

// Directories first, then by name; no hidden ones, nothing but files and directories, at most
// listed_files_max. A symbolic link is listed as what it is itself: not at all.
constexpr size_t listed_files_max = 10'000;
std::vector<ListedFile> read_directory(Fd directory);

// `path` is the normalised path of the request, with a slash at its end.
std::string listing_html(std::string_view path, const std::vector<ListedFile>& files);
std::string listing_json(std::string_view path, const std::vector<ListedFile>& files);

}  // namespace labcoat::files
