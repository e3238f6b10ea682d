#include "files/file_order.h"

#include <algorithm>

#include "http/field.h"

namespace labcoat::files {
namespace {

using http::same_name;

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view one) { return same_name(one, name); });
}

// Calls line(name, whole_line) for each of several field lines.
template <class Line>
void for_each_line(std::string_view lines, const Line& line) {
  while (!lines.empty()) {
    const size_t end = std::min(lines.find("\r\n"), lines.size() - 2) + 2;
    const std::string_view whole = lines.substr(0, end);
    line(whole.substr(0, whole.find(':')), whole);
    lines.remove_prefix(end);
  }
}

}  // namespace

KeptRequest::KeptRequest(const http::RequestHead& head, std::string_view host)
    : host_(host), is_head_(head.method == "HEAD") {
  const bool is_read = is_head_ || head.method == "GET";
  for (size_t i = 0; i < head.field_count; ++i) {
    const http::Field& field = head.fields[i];
    const bool selects =
        is_read && is_one_of(field.name, {"range", "if-range", "if-match", "if-none-match",
                                          "if-modified-since", "if-unmodified-since"});
    if (!selects && !same_name(field.name, "accept-encoding")) continue;
    fields_.push_back({std::string(field.name), std::string(field.value)});
  }
}

void KeptRequest::fill(http::RequestHead& out) const {
  out.method = is_head_ ? "HEAD" : "GET";
  out.host = host_;
  out.field_count = std::min(fields_.size(), http::RequestHead::fields_capacity);
  for (size_t i = 0; i < out.field_count; ++i) {
    out.fields[i] = {fields_[i].name, fields_[i].value};
  }
}

FileOrder::Kind FileOrder::find(const answer::Response& response, Understood understood,
                                std::string_view& value) {
  for (const http::Field& field : response.fields) {
    const bool redirect = understood.redirect && same_name(field.name, "x-accel-redirect");
    const bool path = understood.path && same_name(field.name, "x-sendfile");
    if (!redirect && !path) continue;
    value = field.value;
    return redirect ? Kind::redirect : Kind::path;
  }
  return Kind::none;
}

FileOrder::FileOrder(Kind kind, std::string_view value, const answer::Response& response)
    : kind_(kind), value_(value), has_date_(response.has_date), has_server_(response.has_server) {
  for (const http::Field& field : response.fields) {
    const std::string_view name = field.name;
    if (http::name_begins_with(name, "x-accel-") ||
        is_one_of(name,
                  {"x-sendfile", "etag", "last-modified", "accept-ranges", "content-range"})) {
      continue;
    }
    if (same_name(name, "content-encoding")) {
      if (same_name(field.value, "identity")) continue;
      coded_ = true;
    }
    if (same_name(name, "content-type")) {
      if (field.value.empty()) continue;  // the way to say: as the file's name has it
      has_type_ = true;
    }
    has_cache_control_ = has_cache_control_ || same_name(name, "cache-control");
    lines_.append(name).append(": ").append(field.value).append("\r\n");
  }
}

void FileOrder::describe(answer::Response& response, std::string_view lines,
                         std::string& out) const {
  const bool whole = response.status == 200 || response.status == 206;
  constexpr std::string_view several = "Content-Type: multipart/byteranges";
  const bool parts = lines.find(several) != lines.npos;
  out.clear();
  for_each_line(lines_, [&](std::string_view name, std::string_view line) {
    if (!whole && http::name_begins_with(name, "content-")) return;
    if (parts && same_name(name, "content-type")) return;
    out.append(line);
  });
  for_each_line(lines, [&](std::string_view name, std::string_view line) {
    if (has_type_ && !parts && same_name(name, "content-type")) return;
    if (has_cache_control_ && same_name(name, "cache-control")) return;
    out.append(line);
  });
  response.has_date = has_date_;
  response.has_server = has_server_;
  response.lines = out;
}

}  // namespace labcoat::files
