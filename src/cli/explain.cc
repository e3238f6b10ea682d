#include "cli/explain.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>

#include "base/cpu_count.h"
#include "base/text.h"
#include "cli/command.h"
#include "clients/listener_info.h"
#include "edge/https_rules.h"
#include "http/status.h"
#include "http/url.h"
#include "routes/router.h"

namespace labcoat {
namespace {

using routes::Mismatch;
using routes::Route;
using routes::RouteQuery;

// A request, judged and taken apart by the very functions that will do it in the edge.
struct Request {
  std::string bytes;
  std::string path;
  std::string host;
  bool https = false;
  http::RequestHead head;
};

Status make_request(const ExplainWords& words, Request& out) {
  const std::string text = words.url.starts_with('/') ? "http://localhost" + words.url : words.url;
  const auto url = http::parse_url(text);
  if (!url) return tl::unexpected(url.error());
  out.https = url->scheme == "https";
  out.host = url->host;
  const bool has_host =
      std::any_of(words.headers.begin(), words.headers.end(), [](const std::string& line) {
        return http::same_name(trim(std::string_view(line).substr(0, line.find(':'))), "host");
      });
  out.bytes = fmt::format("{} {} HTTP/1.1\r\n", words.method, url->target);
  if (!has_host) out.bytes += fmt::format("Host: {}\r\n", url->authority());
  for (const std::string& line : words.headers) out.bytes.append(line).append("\r\n");
  out.bytes += "\r\n";
  size_t used = 0, scanned = 0;
  if (http::parse_request(out.bytes, {}, out.head, used, scanned) != http::Parsed::done) {
    return fail(
        fmt::format("such a request is answered {} at once: {}", out.head.status, out.head.why));
  }
  out.path.resize(out.head.path.size());
  const ptrdiff_t size = http::normalize_path(out.head.path, out.path.data());
  if (size < 0) return fail("such a request is answered 400 at once: the path cannot be decoded");
  out.path.resize(static_cast<size_t>(size));
  return {};
}

std::string quoted(const std::vector<std::string>& words) {
  return fmt::format("\"{}\"", fmt::join(words, "\", \""));
}

std::string why_not(const Route& route, const Request& request, Mismatch why) {
  const config::Route& config = route.config;
  switch (why) {
    case Mismatch::none:
      break;
    case Mismatch::host:
      return fmt::format("the host \"{}\" is not {}", routes::host_of(request.head.host),
                         quoted(config.host));
    case Mismatch::path:
      return fmt::format("the path \"{}\" is not {}", request.path, quoted(config.path));
    case Mismatch::scheme:
      return fmt::format("the scheme is not {}", config.scheme);
    case Mismatch::method:
      return fmt::format("the method {} is not {}", request.head.method,
                         fmt::join(config.method, ", "));
    case Mismatch::header:
      for (const auto& [name, value] : config.header) {
        const http::Field* field = request.head.find(name);
        if (field == nullptr) return fmt::format("there is no header {}", name);
        if (!http::Pattern::of_value(value).matches(field->value)) {
          return fmt::format("the header {} is not \"{}\"", name, value);
        }
      }
      break;
    case Mismatch::unwanted_header:
      for (const std::string& name : config.without_header) {
        if (request.head.find(name) != nullptr) return fmt::format("there is a header {}", name);
      }
      break;
  }
  return "";
}

std::string how(const Route& route, const Request& request) {
  http::Pattern::Stars stars;
  route.stars_of(request.path, stars);
  const std::string host(routes::host_of(request.head.host));
  const routes::TemplateFacts facts = {.head = &request.head,
                                       .host = host,
                                       .path = request.path,
                                       .https = request.https,
                                       .stars = &stars};
  std::string path = request.path;
  if (route.has_own_path()) {
    path.clear();
    if (!route.write_own_path(facts, path)) return "400, because the path leads out of its place";
  }
  switch (route.kind) {
    case Route::Kind::files:
      return fmt::format("the file \"{}\" below {}", route.file_part(path), route.files_path);
    case Route::Kind::app: {
      const size_t script = route.script_name_bytes(path);
      return fmt::format("the app '{}', with SCRIPT_NAME \"{}\" and PATH_INFO \"{}\"",
                         route.config.app, path.substr(0, script), path.substr(script));
    }
    case Route::Kind::redirect: {
      std::string location;
      route.redirect.fill(facts, location);
      return fmt::format("{} to {}", route.config.status, location);
    }
    case Route::Kind::fixed:
      break;
  }
  return fmt::format("{} {}", route.config.status,
                     http::reason_phrase(static_cast<int>(route.config.status)));
}

void print_changes(const char* what, const std::vector<std::string>& remove,
                   const config::Pairs& set, const config::Pairs& add) {
  for (const std::string& name : remove) std::printf("     %s without %s\n", what, name.c_str());
  for (const auto* pairs : {&set, &add}) {
    for (const auto& [name, value] : *pairs) {
      std::printf("     %s with %s%s: %s\n", what, pairs == &add ? "one more " : "", name.c_str(),
                  value.c_str());
    }
  }
}

void print_answer(const Route& route, const Request& request) {
  std::printf("     answer: %s\n", how(route, request).c_str());
  const config::Route& config = route.config;
  print_changes("request", config.remove_request_header, config.set_request_header, {});
  print_changes("response", config.remove_header, config.set_header, config.add_header);
  for (const auto& [status, path] : config.error_pages) {
    std::printf("     the page of %s: %s\n", status.c_str(), path.c_str());
  }
}

// What an http listener without TLS does before any route is asked; empty: nothing.
std::string redirect_of(const config::Config& config, const Request& request) {
  if (request.https) return "";
  std::vector<clients::ListenerInfo> listeners;
  for (const config::Listen& listen : config.listen) {
    clients::ListenerInfo info;
    info.https = listen.kind == config::Listen::Kind::https;
    info.unix_socket = listen.kind == config::Listen::Kind::unix_socket;
    info.server_name = listen.host;
    info.port = static_cast<u16>(listen.port);
    listeners.push_back(std::move(info));
  }
  const edge::HttpsRules rules(config.tls, listeners);
  for (const clients::ListenerInfo& listener : listeners) {
    const int port = rules.redirects_to(listener);
    if (port == 0) continue;
    return fmt::format("{} to {}", edge::https_redirect_status(request.head.method),
                       edge::https_location(request.head, request.head.host, listener, port));
  }
  return "";
}

int print(const routes::Router& router, const Request& request, const std::string& title) {
  const RouteQuery query{request.head, request.path, request.https};
  const Route* answering = router.match(query);
  std::printf("%s\n", title.c_str());
  for (size_t i = 0; i < router.size(); ++i) {
    const Route& route = router.route(i);
    const Mismatch why = route.mismatch(query);
    const bool answers = &route == answering;
    std::printf("%3zu. %s  %s: %s\n", i + 1, route.config.name.c_str(), route.config.where.c_str(),
                answers                 ? "yes"
                : route.config.internal ? "no, only an app leads to it"
                                        : ("no, " + why_not(route, request, why)).c_str());
    if (!answers) continue;
    print_answer(route, request);
    if (i + 1 < router.size())
      std::printf("     (%zu more are not asked)\n", router.size() - i - 1);
    return exit_ok;
  }
  const routes::Router::Nobody nobody = router.nobody(query);
  std::printf("no route answers: %d %s\n", nobody.status,
              std::string(http::reason_phrase(nobody.status)).c_str());
  return exit_failed;
}

}  // namespace

int explain_route(const config::CommandLine& line, const ExplainWords& words) {
  std::error_code error;
  const std::string directory = std::filesystem::current_path(error).string();
  if (error)
    return usage_error("serve", "the current directory cannot be read: " + error.message());
  const auto config = config::read_config(line, {directory, cpu_count()});
  if (!config) return usage_error("serve", config.error().text);
  http::MimeTypes types;
  const auto router = routes::Router::build(*config, types);
  if (!router) return usage_error("serve", router.error().text);
  Request request;
  if (const Status status = make_request(words, request); !status) {
    return usage_error("serve", "--explain: " + status.error().text);
  }
  if (const std::string redirect = redirect_of(*config, request); !redirect.empty()) {
    std::printf("%s %s\n     answer: %s, by tls.redirect_https; no route is asked\n",
                words.method.c_str(), words.url.c_str(), redirect.c_str());
    return exit_ok;
  }
  return print(*router, request, words.method + " " + words.url);
}

}  // namespace labcoat
