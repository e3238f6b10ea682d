#include "edge/static_file.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "http/date.h"
#include "http/range.h"

namespace labcoat::edge {
namespace {

Fd open_below(int root, const std::string& relative, int flags) {
  open_how how{};
  how.flags = static_cast<u64>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return Fd(static_cast<int>(
      syscall(SYS_openat2, root, relative.empty() ? "." : relative.c_str(), &how, sizeof how)));
}

std::string date_text(i64 epoch_s) {
  std::string text(http::date_bytes, ' ');
  http::write_date(epoch_s, text.data());
  return text;
}

// Strong as far as a file's identity can tell: size and the nanosecond it was changed.
std::string entity_tag(const struct stat& info) {
  char text[64];
  const i64 changed = i64{info.st_mtim.tv_sec} * seconds + info.st_mtim.tv_nsec;
  std::snprintf(text, sizeof text, "\"%llx-%llx\"", static_cast<unsigned long long>(info.st_size),
                static_cast<unsigned long long>(changed));
  return text;
}

bool list_has_tag(std::string_view list, std::string_view tag) {
  if (list == "*") return true;
  for (size_t at; !list.empty();) {
    at = list.find(',');
    std::string_view one = list.substr(0, at);
    list = at == list.npos ? std::string_view{} : list.substr(at + 1);
    while (one.starts_with(' ') || one.starts_with('\t')) one.remove_prefix(1);
    while (one.ends_with(' ') || one.ends_with('\t')) one.remove_suffix(1);
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == tag) return true;
  }
  return false;
}

// RFC 9110 section 13.2.2: If-None-Match goes before If-Modified-Since.
bool not_modified(const http::RequestHead& request, std::string_view tag, i64 modified_s) {
  if (const http::Field* field = request.find("if-none-match")) {
    return list_has_tag(field->value, tag);
  }
  const http::Field* field = request.find("if-modified-since");
  if (field == nullptr) return false;
  const auto since = http::parse_date(field->value);
  return since && modified_s <= *since;
}

// RFC 9110 section 13.1.5: a range is only meant for the representation the client already has a
// part of.
bool range_applies(const http::RequestHead& request, std::string_view tag, i64 modified_s) {
  const http::Field* condition = request.find("if-range");
  if (condition == nullptr) return true;
  if (condition->value.starts_with('"')) return condition->value == tag;
  const auto date = http::parse_date(condition->value);
  return date && *date == modified_s;
}

StaticAnswer failure(int error_number) {
  StaticAnswer answer;
  const bool forbidden = error_number == EACCES || error_number == EPERM || error_number == EXDEV ||
                         error_number == ELOOP;
  answer.status = forbidden ? 403 : error_number == EMFILE || error_number == ENFILE ? 503 : 404;
  return answer;
}

void apply_range(const http::RequestHead& request, const std::string& tag, i64 modified_s, i64 size,
                 StaticAnswer& answer) {
  const http::Field* range = request.find("range");
  if (range == nullptr || request.method != "GET" || !range_applies(request, tag, modified_s)) {
    return;
  }
  const http::Ranges ranges = http::parse_ranges(range->value, size);
  using Verdict = http::Ranges::Verdict;
  if (ranges.verdict == Verdict::unsatisfiable) {
    answer.status = 416;
    answer.file.reset();
    answer.bytes = 0;
    answer.fields = "Content-Range: bytes */" + std::to_string(size) + "\r\n";
  } else if (ranges.verdict == Verdict::partial && ranges.count == 1) {
    const http::ByteRange one = ranges.ranges[0];
    answer.status = 206;
    answer.offset = one.first;
    answer.bytes = one.last - one.first + 1;
    answer.fields += "Content-Range: bytes " + std::to_string(one.first) + "-" +
                     std::to_string(one.last) + "/" + std::to_string(size) + "\r\n";
  }
}

bool has_hidden_part(std::string_view relative) {
  return relative.starts_with('.') || relative.find("/.") != relative.npos;
}

}  // namespace

StaticAnswer answer_with_file(const Route& route, std::string_view path,
                              const http::RequestHead& request, const http::MimeTypes& types) {
  StaticAnswer answer;
  if (request.method != "GET" && request.method != "HEAD") {
    answer.status = 405;
    answer.fields = "Allow: GET, HEAD\r\n";
    return answer;
  }
  std::string relative(route.file_part(path));
  while (relative.starts_with('/')) relative.erase(0, 1);
  if (has_hidden_part(relative)) return answer;
  if (relative.empty() || relative.ends_with('/')) relative += "index.html";

  answer.file = open_below(route.files.get(), relative, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!answer.file) return failure(errno);
  struct stat info;
  if (fstat(answer.file.get(), &info) != 0) return failure(errno);
  if (S_ISDIR(info.st_mode)) {
    StaticAnswer redirect;
    redirect.status = 301;
    // The path as sent is already a valid target; only its end changes. Two slashes at its start
    // would name another host.
    std::string_view target = request.path;
    while (target.starts_with("//")) target.remove_prefix(1);
    redirect.fields = "Location: " + std::string(target) + "/";
    if (request.has_query) redirect.fields.append("?").append(request.query);
    redirect.fields += "\r\n";
    return redirect;
  }
  if (!S_ISREG(info.st_mode)) return failure(EACCES);

  const std::string tag = entity_tag(info);
  const i64 modified_s = info.st_mtim.tv_sec;
  answer.status = 200;
  answer.bytes = info.st_size;
  answer.fields = "Last-Modified: " + date_text(modified_s) + "\r\nETag: " + tag +
                  "\r\nAccept-Ranges: bytes\r\n";
  if (not_modified(request, tag, modified_s)) {
    answer.status = 304;
    answer.file.reset();
    answer.bytes = 0;
    return answer;
  }
  answer.fields += "Content-Type: ";
  answer.fields += types.of(relative);
  answer.fields += "\r\n";
  apply_range(request, tag, modified_s, info.st_size, answer);
  return answer;
}

}  // namespace labcoat::edge
