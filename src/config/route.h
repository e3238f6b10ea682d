// Route: which requests it is for, what answers them, and what happens to both on the way. One
// member per key of [[route]] (route_keys.h), of the same name; paths of files are absolute.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace labcoat::config {

// In the order of the file; a name may occur twice.
using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Route {
  std::string name = {};   // unique and stable: for logs, metrics and messages
  std::string where = {};  // "labcoat.toml:12"

  // Which requests: all that is given must hold. Empty: any.
  std::vector<std::string> host = {};  // lower-case: "example.org", or "*.example.org"
  std::vector<std::string> path = {};  // patterns; never empty
  std::vector<std::string> method = {};
  Pairs header = {};  // name and pattern of the value
  std::vector<std::string> without_header = {};
  std::string scheme = {};  // http, https

  // What answers: files (a directory), app (a name), redirect (a template), or none of them: a
  // fixed answer of status and answer.
  std::string files = {};
  std::string app = {};
  std::string redirect = {};
  std::string answer = {};
  std::string content_type = "text/plain; charset=utf-8";  // of answer
  i64 status = 0;                                          // 0: 302 of redirect, 200 of answer

  // Of files.
  std::vector<std::string> index = {};  // empty: index.html
  bool listing = false;
  std::vector<std::string> try_files = {};
  std::string fallback = {};
  std::string cache_control = {};
  bool precompressed = true;

  // Content codings (br, zstd, gzip), or on or off; empty: on for files, off for apps.
  std::vector<std::string> compress = {};
  // Of an app's answers: from so many bytes on; patterns of Content-Type, empty: text of any kind.
  i64 compress_min = 1024;
  std::vector<std::string> compress_types = {};

  // Files that an app names: a route of files that only an app leads to (X-Accel-Redirect), and
  // where those may be that it names by their path (X-Sendfile).
  bool internal = false;
  std::vector<std::string> sendfile = {};

  // Its own instead of the server's, as limits has them; empty: the server's.
  std::string rate_limit = {};
  i64 rate_burst = 0;
  std::string rate_key = {};

  // Of an app: how its requests wait for a worker.
  i64 max_concurrent = 0;     // with the workers at a time; 0: no limit
  i64 max_waiting = -1;       // for one of these; -1: a quarter of limits.queue
  std::string priority = {};  // high, normal, low; empty: normal

  // What happens on the way.
  std::string strip_prefix = {};  // for an app: SCRIPT_NAME
  std::string rewrite = {};       // a template of the path
  Pairs set_header = {}, add_header = {};
  std::vector<std::string> remove_header = {};
  Pairs set_request_header = {};
  std::vector<std::string> remove_request_header = {};
  Pairs error_pages = {};  // status and file
  bool error_pages_for_app = false;
};

}  // namespace labcoat::config
