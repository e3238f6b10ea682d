#include "config/route_keys.h"

#include <algorithm>

#include "base/text.h"
#include "config/rate.h"

namespace labcoat::config {
namespace {

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && byte != '\t') || byte == 0x7f;
}

const char* check_value(std::string_view value) {
  const bool bad = std::any_of(value.begin(), value.end(), is_control);
  return bad ? "has a control character or the end of a line in it" : nullptr;
}

// RFC 9110 section 5.6.2.
bool is_token(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

const char* check_name(std::string_view name) {
  return is_token(name) ? nullptr : "is not the name of a header";
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// How messages are framed and connections kept is not a matter of taste.
const char* check_own_name(std::string_view name) {
  const std::string lower = to_lower(name);
  if (is_one_of(lower, {"connection", "content-length", "date", "keep-alive", "proxy-connection",
                        "trailer", "transfer-encoding", "upgrade"})) {
    return "is the server's own business";
  }
  return check_name(name);
}

const char* check_request_name(std::string_view name) {
  if (name.find('_') != name.npos) return "has a _, which apps cannot tell from a -";
  return check_own_name(name);
}

const char* check_host(std::string_view host) {
  if (host == "*") return nullptr;
  if (host.starts_with('[')) return host.ends_with(']') ? nullptr : "has no ] at its end";
  if (host.starts_with("*.")) host.remove_prefix(2);
  if (host.find('/') != host.npos) return "has a slash; only the host's name belongs here";
  if (host.find(':') != host.npos) return "has a port; hosts are matched without it";
  if (host.find('*') != host.npos) return "has a star elsewhere than in \"*.example.org\"";
  const bool good = !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  });
  return good ? nullptr : "is not a host; names with other letters are written in Punycode, xn--…";
}

const char* check_path(std::string_view path) {
  if (path.empty() || (path[0] != '/' && path[0] != '*')) {
    return "is not a path such as \"/robots.txt\", a prefix such as \"/static/*\", or a pattern "
           "such as \"*.php\"";
  }
  if (path.find('?') != path.npos) return "has a ?; the query is not part of the path";
  if (path.find('%') != path.npos) return "has a %; paths are compared decoded";
  if (path.find("***") != path.npos) return "has more than two stars in a row";
  return check_value(path);
}

const char* check_method(std::string_view method) {
  if (!is_token(method)) return "is not a method";
  const bool lower =
      std::any_of(method.begin(), method.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  return lower ? "has small letters; methods are written in capitals, such as GET" : nullptr;
}

const char* check_scheme(std::string_view scheme) {
  return is_one_of(scheme, {"http", "https"}) ? nullptr : "is neither http nor https";
}

const char* check_priority(std::string_view word) {
  return is_one_of(word, {"high", "normal", "low"}) ? nullptr : "is no priority";
}

const char* check_redirect(std::string_view target) {
  if (target.empty()) return "leads nowhere";
  if (target.find(' ') != target.npos) return "has a space";
  return check_value(target);
}

const char* check_prefix(std::string_view prefix) {
  if (!prefix.starts_with('/') || prefix.size() < 2) return "is not a path such as \"/shop\"";
  if (prefix.ends_with('/')) return "ends with a slash";
  return prefix.find('*') != prefix.npos ? "has a star" : check_value(prefix);
}

const char* check_rewrite(std::string_view path) {
  if (!path.starts_with('/') && !path.starts_with("{path}")) return "does not begin with a slash";
  if (path.find('?') != path.npos) return "has a ?; a rewrite is of the path, the query stays";
  return check_value(path);
}

// Of files, all names are below their directory.
const char* check_file_name(std::string_view name) {
  if (name.empty() || name == "/") return "is not a file";
  for (size_t at = 0; at <= name.size(); ++at) {
    const size_t end = std::min(name.find('/', at), name.size());
    if (name.substr(at, end - at) == "..") return "leads out of the directory";
    at = end;
  }
  return check_value(name);
}

const char* check_index(std::string_view name) {
  return name.find('/') != name.npos ? "has a slash" : check_file_name(name);
}

const char* check_try_file(std::string_view name) {
  return name.find("{path}") == name.npos ? "has no {path}" : check_file_name(name);
}

const char* check_rate(std::string_view rate) {
  return parse_rate(rate) ? nullptr : "is no rate of 1 to 1000000";
}

const char* check_rate_key(std::string_view key) {
  constexpr std::string_view header = "header.";
  if (is_one_of(key, {"address", "route"})) return nullptr;
  if (!key.starts_with(header)) return "is nothing to count by";
  return check_name(key.substr(header.size()));
}

const char* check_compress(std::string_view word) {
  return is_one_of(word, {"on", "off", "br", "zstd", "gzip"}) ? nullptr : "is no content coding";
}

const char* check_type(std::string_view type) {
  return type.find('/') == type.npos ? "is not a type" : check_value(type);
}

const char* check_error_status(std::string_view status) {
  const auto number = parse_int(status);
  return number && *number >= 400 && *number <= 599 ? nullptr : "is not a status from 400 to 599";
}

constexpr const char* headers = "a table such as { Name = \"value\" }";
constexpr const char* header_names = "the name of a header or a list of names";
using Kind = RouteKind;

constexpr RouteKey keys[] = {
    {"name", Kind::text, &Route::name, "a name, for logs and metrics", check_value},
    {"host", Kind::texts, &Route::host, "a host such as \"example.org\" or \"*.example.org\"",
     check_host},
    {"path", Kind::texts, &Route::path, "a path such as \"/static/*\", or a list", check_path},
    {"method", Kind::texts, &Route::method, "a method such as \"GET\", or a list", check_method},
    {"header", Kind::pairs, &Route::header, headers, check_value, check_name},
    {"without_header", Kind::texts, &Route::without_header, header_names, check_name},
    {"scheme", Kind::text, &Route::scheme, "\"http\" or \"https\"", check_scheme},

    {"files", Kind::directory, &Route::files, "a directory in quotes"},
    {"index", Kind::texts, &Route::index, "a file name such as \"index.html\", or a list",
     check_index},
    {"listing", Kind::flag, &Route::listing, "true or false"},
    {"try_files", Kind::texts, &Route::try_files, "a name such as \"{path}.html\", or a list",
     check_try_file},
    {"fallback", Kind::text, &Route::fallback, "a file below the directory", check_file_name},
    {"cache_control", Kind::text, &Route::cache_control, "a value such as \"max-age=3600\"",
     check_value},
    {"precompressed", Kind::flag, &Route::precompressed, "true or false"},
    {.name = "compress",
     .kind = Kind::words,
     .field = &Route::compress,
     .expected = "true, false, or some of \"br\", \"zstd\" and \"gzip\"",
     .check = check_compress,
     .for_site = true,
     .replaces = true},
    {.name = "compress_min",
     .kind = Kind::size,
     .field = &Route::compress_min,
     .expected = "a size such as \"1KiB\"",
     .max = i64{1} << 40,
     .for_site = true},
    {.name = "compress_types",
     .kind = Kind::texts,
     .field = &Route::compress_types,
     .expected = "a type such as \"text/html\" or \"text/*\", or a list",
     .check = check_type,
     .for_site = true,
     .replaces = true},
    {"internal", Kind::flag, &Route::internal, "true or false"},
    {.name = "sendfile",
     .kind = Kind::directories,
     .field = &Route::sendfile,
     .expected = "a directory in quotes, or a list",
     .for_site = true,
     .replaces = true},
    {"app", Kind::text, &Route::app, "the name of an app in quotes"},
    {"redirect", Kind::text, &Route::redirect, "a URL or a path in quotes", check_redirect},
    {"answer", Kind::text, &Route::answer, "the text of the answer in quotes"},
    {"content_type", Kind::text, &Route::content_type, "a type such as \"text/html\"", check_value},
    {"status", Kind::integer, &Route::status, "a status from 200 to 599", nullptr, nullptr, 200,
     599},

    {.name = "rate_limit",
     .kind = Kind::text,
     .field = &Route::rate_limit,
     .expected = "off, or a rate such as \"100/s\", \"30/m\" or \"1000/h\"",
     .check = check_rate,
     .for_site = true},
    {.name = "rate_burst",
     .kind = Kind::integer,
     .field = &Route::rate_burst,
     .expected = "a number of requests",
     .max = 1'000'000,
     .for_site = true},
    {.name = "rate_key",
     .kind = Kind::text,
     .field = &Route::rate_key,
     .expected = "address, route, or header.NAME",
     .check = check_rate_key,
     .for_site = true},

    {.name = "max_concurrent",
     .kind = Kind::integer,
     .field = &Route::max_concurrent,
     .expected = "a number of requests, from 1",
     .min = 1,
     .max = 32768},
    {.name = "max_waiting",
     .kind = Kind::integer,
     .field = &Route::max_waiting,
     .expected = "a number of requests, from 0",
     .max = 32768},
    {"priority", Kind::text, &Route::priority, "\"high\", \"normal\" or \"low\"", check_priority},

    {"strip_prefix", Kind::text, &Route::strip_prefix, "a path such as \"/shop\"", check_prefix},
    {"rewrite", Kind::text, &Route::rewrite, "a path such as \"/new/{1}\"", check_rewrite},
    {.name = "set_header",
     .kind = Kind::pairs,
     .field = &Route::set_header,
     .expected = headers,
     .check = check_value,
     .check_name = check_own_name,
     .for_site = true},
    {.name = "add_header",
     .kind = Kind::pairs,
     .field = &Route::add_header,
     .expected = headers,
     .check = check_value,
     .check_name = check_own_name,
     .for_site = true},
    {.name = "remove_header",
     .kind = Kind::texts,
     .field = &Route::remove_header,
     .expected = header_names,
     .check = check_own_name,
     .for_site = true},
    {.name = "set_request_header",
     .kind = Kind::pairs,
     .field = &Route::set_request_header,
     .expected = headers,
     .check = check_value,
     .check_name = check_request_name,
     .for_site = true},
    {.name = "remove_request_header",
     .kind = Kind::texts,
     .field = &Route::remove_request_header,
     .expected = header_names,
     .check = check_own_name,
     .for_site = true},
    {.name = "error_pages",
     .kind = Kind::files,
     .field = &Route::error_pages,
     .expected = "a table such as { 404 = \"404.html\" }",
     .check_name = check_error_status,
     .for_site = true},
    {.name = "error_pages_for_app",
     .kind = Kind::flag,
     .field = &Route::error_pages_for_app,
     .expected = "true or false",
     .for_site = true},
};

}  // namespace

std::span<const RouteKey> route_keys() {
  return keys;
}

const RouteKey* find_route_key(std::string_view name) {
  const auto* const row = std::find_if(std::begin(keys), std::end(keys),
                                       [&](const RouteKey& key) { return name == key.name; });
  return row == std::end(keys) ? nullptr : row;
}

std::vector<std::string_view> route_key_names() {
  std::vector<std::string_view> all;
  for (const RouteKey& key : keys) all.emplace_back(key.name);
  return all;
}

size_t stars_of(std::string_view pattern) {
  size_t count = 0;
  for (size_t i = 0; i < pattern.size(); ++i) {
    count += pattern[i] == '*' && (i == 0 || pattern[i - 1] != '*') ? 1 : 0;
  }
  return count;
}

}  // namespace labcoat::config
