// A file of a file route, opened and judged: what to answer to a GET or HEAD for it.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"
#include "edge/router.h"
#include "http/mime.h"
#include "http/request.h"

namespace labcoat::edge {

struct StaticAnswer {
  int status = 404;    // 200, 206, 301, 304, 404, 405, 403, 416
  std::string fields;  // whole lines
  Fd file;             // of 200 and 206
  i64 offset = 0;
  i64 bytes = 0;
};

// `path` is the normalised path of the request. Never leaves the route's root, whatever links are
// in it (openat2).
StaticAnswer answer_with_file(const Route& route, std::string_view path,
                              const http::RequestHead& request, const http::MimeTypes& types);

}  // namespace labcoat::edge
