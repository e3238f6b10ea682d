#include "files/static_file.h"

#include <fcntl.h>

#include "files/directory_listing.h"

namespace labcoat::files {
namespace {

// Names that begin with a dot are nobody's business, but for the one that exists to be asked for
// (RFC 8615).
bool has_hidden_part(std::string_view relative) {
  constexpr std::string_view well_known = ".well-known/";
  if (relative.starts_with(well_known)) relative.remove_prefix(well_known.size());
  return relative.starts_with('.') || relative.find("/.") != relative.npos;
}

std::string_view relative_path(const routes::Route& route, std::string_view path) {
  std::string_view relative = route.file_part(path);
  while (relative.starts_with('/')) relative.remove_prefix(1);
  return relative;
}

bool means_directory(std::string_view relative) {
  return relative.empty() || relative.ends_with('/');
}

// "{path}.html" for "about" or "about/": "about.html".
void fill_in(std::string_view pattern, std::string_view relative, std::string& out) {
  constexpr std::string_view variable = "{path}";
  while (relative.ends_with('/')) relative.remove_suffix(1);
  out.clear();
  for (size_t at = pattern.find(variable); at != pattern.npos; at = pattern.find(variable)) {
    out.append(pattern.substr(0, at)).append(relative);
    pattern.remove_prefix(at + variable.size());
  }
  out.append(pattern);
}

}  // namespace

StaticAnswer StaticFiles::answer(const routes::Route& route, std::string_view path,
                                 const http::RequestHead& request, i64 now) {
  if (request.method != "GET" && request.method != "HEAD") {
    return refusal(405, "Allow: GET, HEAD\r\n");
  }
  const std::string_view relative = relative_path(route, path);
  if (has_hidden_part(relative)) return refusal(404);
  const CachedFile* file = find(route, relative, now);
  const routes::FileRules& rules = route.file_rules;
  if (file == nullptr && missing_.is_directory) return redirect_to_directory(request);
  if (file == nullptr && rules.listing && means_directory(relative)) {
    name_.assign(relative.empty() ? "." : relative);
    Fd directory = answer::open_below(route.files.get(), name_.c_str(), O_RDONLY | O_DIRECTORY);
    if (directory) return list(std::move(directory), path, request);
  }
  const int status = missing_.status;
  if (file == nullptr && !rules.fallback.empty()) file = find_one(route, rules.fallback, now);
  if (queue() == nullptr && cache_.has_open_files()) sweeps_.arm(*this, now);
  return file != nullptr ? answer_with(*file, request) : refusal(status);
}

const CachedFile* StaticFiles::find_one(const routes::Route& route, std::string_view relative,
                                        i64 now) {
  const CachedFile& file = cache_.find(route, relative, now);
  missing_.is_directory = file.kind() == CachedFile::Kind::directory;
  missing_.status = file.status();
  return file.kind() == CachedFile::Kind::file ? &file : nullptr;
}

const CachedFile* StaticFiles::find(const routes::Route& route, std::string_view relative,
                                    i64 now) {
  missing_ = {};
  if (!means_directory(relative)) {
    if (const CachedFile* file = find_one(route, relative, now)) return file;
  }
  const Missing itself = missing_;
  if (means_directory(relative)) {
    for (const std::string& index : route.file_rules.index) {
      name_.assign(relative).append(index);
      if (const CachedFile* file = find_one(route, name_, now)) return file;
    }
  }
  for (const std::string& pattern : route.file_rules.try_files) {
    fill_in(pattern, relative, name_);
    if (const CachedFile* file = find_one(route, name_, now)) return file;
  }
  missing_ = itself;
  return nullptr;
}

void StaticFiles::on_timeout() {
  const i64 now = now_ns();
  if (cache_.sweep(now)) sweeps_.arm(*this, now);
}

StaticAnswer StaticFiles::refusal(int status, std::string_view lines) {
  StaticAnswer answer;
  answer.status = status;
  answer.lines = lines;
  return answer;
}

StaticAnswer StaticFiles::redirect_to_directory(const http::RequestHead& request) {
  // The path as sent is already a valid target; only its end changes. Two slashes at its start
  // would name another host.
  std::string_view target = request.path;
  while (target.starts_with("//")) target.remove_prefix(1);
  lines_.assign("Location: ").append(target).append("/");
  if (request.has_query) lines_.append("?").append(request.query);
  lines_.append("\r\n");
  return refusal(301, lines_);
}

StaticAnswer StaticFiles::list(Fd directory, std::string_view path,
                               const http::RequestHead& request) {
  const http::Field* const accept = request.find("accept");
  const bool json = accept != nullptr &&
                    accept->value.find("application/json") != std::string_view::npos &&
                    accept->value.find("text/html") == std::string_view::npos;
  const std::vector<ListedFile> files = read_directory(std::move(directory));
  body_ = json ? listing_json(path, files) : listing_html(path, files);
  lines_.assign("Content-Type: ").append(json ? "application/json" : "text/html; charset=utf-8");
  lines_.append("\r\nVary: Accept\r\n");
  StaticAnswer answer;
  answer.status = 200;
  answer.lines = lines_;
  answer.has_body = true;
  answer.content = body_;
  answer.bytes = static_cast<i64>(body_.size());
  return answer;
}

}  // namespace labcoat::files
