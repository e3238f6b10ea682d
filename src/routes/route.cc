#include "routes/route.h"

#include <algorithm>
#include <atomic>

namespace labcoat::routes {
namespace {

bool method_matches(const std::vector<std::string>& methods, std::string_view method) {
  for (const std::string& one : methods) {
    // Who answers GET answers HEAD, RFC 9110 section 9.3.2.
    if (one == method || (one == "GET" && method == "HEAD")) return true;
  }
  return false;
}

bool has_field(const http::RequestHead& head, const Route::Field& wanted) {
  for (size_t i = 0; i < head.field_count; ++i) {
    const http::Field& field = head.fields[i];
    if (http::same_name(field.name, wanted.name) && wanted.value.matches(field.value)) return true;
  }
  return false;
}

bool has_dot_segment(std::string_view path) {
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view segment = path.substr(begin, end - begin);
    if (segment == "." || segment == "..") return true;
    begin = end + 1;
  }
  return false;
}

}  // namespace

std::string_view host_of(std::string_view host) {
  const size_t colon = host.rfind(':');
  const size_t bracket = host.rfind(']');
  if (colon != host.npos && (bracket == host.npos || bracket < colon)) host = host.substr(0, colon);
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

std::string_view host_of(const RouteQuery& query) {
  return query.host.empty() ? host_of(query.head.host) : query.host;
}

bool host_matches(std::string_view pattern, std::string_view host) {
  if (!pattern.starts_with("*.")) return http::same_name(pattern, host);
  const std::string_view end = pattern.substr(1);
  return host.size() > end.size() && http::same_name(host.substr(host.size() - end.size()), end);
}

Mismatch Route::mismatch_at_host(const RouteQuery& query) const {
  const bool path_matches = std::any_of(
      paths.begin(), paths.end(), [&](const auto& pattern) { return pattern.matches(query.path); });
  if (!path_matches) return Mismatch::path;
  if (scheme != Scheme::any && (scheme == Scheme::https) != query.https) return Mismatch::scheme;
  if (!methods.empty() && !method_matches(methods, query.head.method)) return Mismatch::method;
  for (const Field& field : fields) {
    if (!has_field(query.head, field)) return Mismatch::header;
  }
  for (const std::string& name : absent_fields) {
    if (query.head.find(name) != nullptr) return Mismatch::unwanted_header;
  }
  return Mismatch::none;
}

Mismatch Route::mismatch(const RouteQuery& query) const {
  const std::string_view host = host_of(query);
  const bool host_fits = config.host.empty() || std::any_of(config.host.begin(), config.host.end(),
                                                            [&](const std::string& pattern) {
                                                              return host_matches(pattern, host);
                                                            });
  return host_fits ? mismatch_at_host(query) : Mismatch::host;
}

bool Route::is_for_everything() const {
  return scheme == Scheme::any && methods.empty() && fields.empty() && absent_fields.empty() &&
         std::any_of(paths.begin(), paths.end(),
                     [](const auto& pattern) { return pattern.matches_every_path(); });
}

u64 Route::next_serial() {
  static std::atomic<u64> last = 0;
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

void Route::stars_of(std::string_view path, http::Pattern::Stars& stars) const {
  for (const http::Pattern& pattern : paths) {
    if (pattern.matches(path, stars)) return;
  }
  stars.count = 0;
}

size_t Route::script_name_bytes(std::string_view path) const {
  const std::string& prefix = config.strip_prefix;
  const bool fits =
      path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
  return fits ? prefix.size() : 0;
}

bool Route::write_own_path(const TemplateFacts& facts, std::string& out) const {
  if (rewrite.empty()) {
    out.append(facts.path.substr(script_name_bytes(facts.path)));
    if (out.empty()) out.push_back('/');
    return true;
  }
  rewrite.fill_path(facts, out);
  return !has_dot_segment(out);
}

std::string_view Route::file_part(std::string_view path) const {
  if (!has_own_path()) {
    for (const http::Pattern& pattern : paths) {
      if (pattern.matches(path)) return pattern.file_part(path);
    }
  }
  while (path.starts_with('/')) path.remove_prefix(1);
  return path;
}

const Route::ErrorPage* Route::error_page(int status) const {
  // Who writes an answer of their own means it.
  if (error_pages.empty() || (kind == Kind::fixed && !text.empty())) return nullptr;
  const auto page = error_pages.find(status);
  return page == error_pages.end() ? nullptr : &page->second;
}

}  // namespace labcoat::routes
