// Route: one rule of the router, made ready for matching and answering. Read-only, shared by all
// threads.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "channel/layout.h"
#include "config/route.h"
#include "http/pattern.h"
#include "http/request.h"
#include "routes/compress_rules.h"
#include "routes/file_rules.h"
#include "routes/header_changes.h"
#include "routes/route_template.h"

namespace labcoat::routes {

// What routes look at.
struct RouteQuery {
  const http::RequestHead& head;
  std::string_view path;  // normalised
  bool https = false;
  std::string_view host = {};  // as host_of gives it; empty: the head's
};

// Why a route is not for a request: the first of its conditions that does not hold, in the order in
// which they are looked at.
enum class Mismatch : u8 { none, host, path, scheme, method, header, unwanted_header };

// The host of a request without its port and without a dot at its end; as sent, so in any case.
std::string_view host_of(std::string_view authority);
std::string_view host_of(const RouteQuery& query);
// "*.example.org" is for every name below example.org.
bool host_matches(std::string_view pattern, std::string_view host);

struct Route {
  enum class Kind : u8 { files, app, redirect, fixed };

  // `index` and name, and what is only needed by one kind of answer, stand in `config`.
  int index = 0;
  int places = -1;             // its row of LineShare::places; -1: none
  u64 serial = next_serial();  // of no other route, ever: routes come and go, and so do addresses
  Kind kind = Kind::fixed;
  config::Route config;

  // Conditions; empty: none.
  enum class Scheme : u8 { any, http, https };
  struct Field {
    std::string name;
    http::Pattern value;
  };
  std::vector<http::Pattern> paths;
  std::vector<std::string> methods;
  std::vector<Field> fields;
  std::vector<std::string> absent_fields;
  Scheme scheme = Scheme::any;

  // Answers.
  Fd files;                // the root directory, opened; or none
  std::string files_path;  // for messages
  FileRules file_rules;
  int app = -1;  // index into Config::apps
  RouteTemplate redirect;
  std::vector<std::unique_ptr<Route>> sendfile;  // of an app: one of files for each root
  CompressRules compress;                        // of an app
  channel::Priority priority = channel::Priority::normal;
  std::string text;  // of a fixed answer

  // On the way.
  RouteTemplate rewrite;
  HeaderChanges response_changes, request_changes;
  struct ErrorPage {
    std::string body;
    std::string content_type;
  };
  std::map<int, ErrorPage> error_pages;

  static u64 next_serial();
  // Everything but the host; and all of it.
  Mismatch mismatch_at_host(const RouteQuery& query) const;
  Mismatch mismatch(const RouteQuery& query) const;
  // Whether it is for every request of its hosts.
  bool is_for_everything() const;

  // What the stars of the path that matches stand for.
  void stars_of(std::string_view path, http::Pattern::Stars& stars) const;
  // For an app: this many bytes at the beginning of the path are the name of the script
  // (strip_prefix).
  size_t script_name_bytes(std::string_view path) const;
  // Whether what answers has another path than the request: a rewrite, or files with a prefix to
  // strip. Appends it to `out`. False: it would have a segment ".." or ".".
  bool has_own_path() const {
    return !rewrite.empty() || (kind == Kind::files && !config.strip_prefix.empty());
  }
  bool write_own_path(const TemplateFacts& facts, std::string& out) const;
  // The file below the root, of the path that is written by write_own_path, else of the request's.
  std::string_view file_part(std::string_view path) const;
  // Or nullptr.
  const ErrorPage* error_page(int status) const;
};

}  // namespace labcoat::routes
