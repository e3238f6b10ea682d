#include "http/mime.h"

#include <algorithm>

#include "base/text.h"
#include "http/field.h"

namespace labcoat::http {

namespace {

struct Type {
  const char* extensions;  // separated by spaces
  const char* type;
};

// The types of IANA's registry, and of the WHATWG's MIME sniffing for fonts and scripts.
constexpr Type built_in[] = {
    {"html htm", "text/html"},
    {"css", "text/css"},
    {"js mjs", "text/javascript"},
    {"txt text log", "text/plain"},
    {"md markdown", "text/markdown"},
    {"csv", "text/csv"},
    {"ics", "text/calendar"},
    {"vtt", "text/vtt"},
    {"xml xsl", "text/xml"},
    {"json map", "application/json"},
    {"jsonld", "application/ld+json"},
    {"webmanifest", "application/manifest+json"},
    {"xhtml", "application/xhtml+xml"},
    {"atom", "application/atom+xml"},
    {"rss", "application/rss+xml"},
    {"wasm", "application/wasm"},
    {"pdf", "application/pdf"},
    {"zip", "application/zip"},
    {"gz", "application/gzip"},
    {"tar", "application/x-tar"},
    {"7z", "application/x-7z-compressed"},
    {"epub", "application/epub+zip"},
    {"rtf", "application/rtf"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    {"png", "image/png"},
    {"jpg jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"avif", "image/avif"},
    {"svg", "image/svg+xml"},
    {"ico", "image/vnd.microsoft.icon"},
    {"bmp", "image/bmp"},
    {"tif tiff", "image/tiff"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"ttf", "font/ttf"},
    {"otf", "font/otf"},
    {"mp3", "audio/mpeg"},
    {"m4a", "audio/mp4"},
    {"ogg oga opus", "audio/ogg"},
    {"flac", "audio/flac"},
    {"wav", "audio/wav"},
    {"mp4 m4v", "video/mp4"},
    {"webm", "video/webm"},
    {"ogv", "video/ogg"},
    {"mov", "video/quicktime"},
};

// A text without a charset is read as windows-1252 by browsers; sites are written in UTF-8.
std::string with_charset(std::string_view type) {
  std::string text(type);
  if (type.starts_with("text/")) text += "; charset=utf-8";
  return text;
}

std::string_view next_word(std::string_view& line) {
  const size_t begin = std::min(line.find_first_not_of(" \t\r"), line.size());
  line.remove_prefix(begin);
  const std::string_view word = line.substr(0, line.find_first_of(" \t\r"));
  line.remove_prefix(word.size());
  return word;
}

}  // namespace

MimeTypes::MimeTypes() {
  for (const Type& row : built_in) {
    std::string_view rest = row.extensions;
    for (auto word = next_word(rest); !word.empty(); word = next_word(rest)) {
      by_extension_.emplace(word, with_charset(row.type));
    }
  }
}

Status MimeTypes::load(const std::string& path) {
  const Result<std::string> text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  for (std::string_view line : split(*text, '\n')) {
    line = line.substr(0, line.find('#'));
    const std::string_view type = next_word(line);
    // What is no type would go into a field as it is.
    if (type.find('/') == type.npos || !is_field_value(type)) continue;
    for (auto word = next_word(line); !word.empty(); word = next_word(line)) {
      by_extension_.emplace(to_lower(word), with_charset(type));
    }
  }
  return {};
}

std::string_view MimeTypes::of(std::string_view file_name) const {
  constexpr std::string_view unknown = "application/octet-stream";
  const size_t slash = file_name.rfind('/');
  if (slash != file_name.npos) file_name.remove_prefix(slash + 1);
  const size_t dot = file_name.rfind('.');
  if (dot == file_name.npos || dot == 0) return unknown;  // ".profile" has a name, no extension
  const auto found = by_extension_.find(to_lower(file_name.substr(dot + 1)));
  return found == by_extension_.end() ? unknown : std::string_view(found->second);
}

}  // namespace labcoat::http
