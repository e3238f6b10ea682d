#include "files/directory_listing.h"

#include <algorithm>
#include <dirent.h>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "base/text.h"
#include "http/date.h"

namespace labcoat::files {
namespace {

void append_html(std::string_view text, std::string& out) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out.append("&amp;");
        break;
      case '<':
        out.append("&lt;");
        break;
      case '>':
        out.append("&gt;");
        break;
      case '"':
        out.append("&quot;");
        break;
      case '\'':
        out.append("&#39;");
        break;
      default:
        out.push_back(c);
    }
  }
}

// One segment of a URL's path: all but RFC 3986's unreserved characters is percent-encoded, so that
// a name cannot be read as a scheme, a query or markup.
void append_segment(std::string_view name, std::string& out) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(hex[byte >> 4]);
      out.push_back(hex[byte & 15]);
    }
  }
}

void append_row(const ListedFile& file, std::string& out) {
  const char* slash = file.is_directory ? "/" : "";
  out.append("<tr><td><a href=\"");
  append_segment(file.name, out);
  out.append(slash).append("\">");
  append_html(file.name, out);
  out.append(slash).append("</a></td><td>");
  if (!file.is_directory) out.append(format_size(file.bytes));
  std::string date(http::date_bytes, ' ');
  http::write_date(file.modified_s, date.data());
  out.append("</td><td>").append(date).append("</td></tr>\n");
}

}  // namespace

std::vector<ListedFile> read_directory(Fd directory) {
  std::vector<ListedFile> files;
  const int fd = directory.release();
  DIR* const dir = fdopendir(fd);
  if (dir == nullptr) {
    Fd(fd).reset();
    return files;
  }
  while (files.size() < listed_files_max) {
    const dirent* const entry = readdir(dir);
    if (entry == nullptr) break;
    struct stat info;
    if (entry->d_name[0] == '.' || fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))) {
      continue;
    }
    files.push_back({.name = entry->d_name,
                     .is_directory = S_ISDIR(info.st_mode),
                     .bytes = info.st_size,
                     .modified_s = info.st_mtim.tv_sec});
  }
  closedir(dir);
  std::sort(files.begin(), files.end(), [](const ListedFile& a, const ListedFile& b) {
    return a.is_directory != b.is_directory ? a.is_directory : a.name < b.name;
  });
  return files;
}

std::string listing_html(std::string_view path, const std::vector<ListedFile>& files) {
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>";
  append_html(path, out);
  out.append(
      "</title><style>body{font-family:sans-serif;margin:2em}td{padding:.1em 2em .1em 0}"
      "</style></head><body><h1>");
  append_html(path, out);
  out.append("</h1><table>\n");
  if (path != "/") out.append("<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n");
  for (const ListedFile& file : files) append_row(file, out);
  out.append("</table></body></html>\n");
  return out;
}

std::string listing_json(std::string_view path, const std::vector<ListedFile>& files) {
  nlohmann::json list = nlohmann::json::array();
  for (const ListedFile& file : files) {
    nlohmann::json row = {{"name", file.name},
                          {"type", file.is_directory ? "directory" : "file"},
                          {"modified", file.modified_s}};
    if (!file.is_directory) row["bytes"] = file.bytes;
    list.push_back(std::move(row));
  }
  const nlohmann::json all = {{"path", path}, {"files", std::move(list)}};
  // A name is any bytes: what is not UTF-8 is replaced, never thrown.
  return all.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace labcoat::files
