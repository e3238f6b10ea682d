#include "http/url.h"

#include <algorithm>

#include "base/text.h"
#include "http/ascii.h"
#include "http/authority.h"
#include "http/field.h"
#include "http/scan.h"

namespace labcoat::http {

namespace {

constexpr std::string_view example = "; write it like http://127.0.0.1:8000/path";

// What normalize_path has written so far: '/' and segments that are closed, then the open one from
// `segment` on.
struct PathWriter {
  char* out;
  ptrdiff_t size = 1;
  ptrdiff_t segment = 1;

  // Drops the open segment when it is "." and one more when it is "..". False above the root.
  bool close_segment() {
    const std::string_view open(out + segment, static_cast<size_t>(size - segment));
    if (open == ".") {
      size = segment;
    } else if (open == "..") {
      if (segment == 1) return false;
      size = segment - 1;
      while (out[size - 1] != '/') --size;
      segment = size;
    }
    return true;
  }
};

}  // namespace

ptrdiff_t normalize_path(std::string_view path, char* out) {
  if (!path.starts_with('/')) return -1;
  PathWriter written{.out = out};
  out[0] = '/';
  for (size_t i = 1; i < path.size(); ++i) {
    char c = path[i];
    if (c == '%') {
      if (path.size() - i < 3 || !is_class(path[i + 1], byte_class::hex) ||
          !is_class(path[i + 2], byte_class::hex)) {
        return -1;
      }
      c = static_cast<char>(hex_value(path[i + 1]) << 4 | hex_value(path[i + 2]));
      i += 2;
    }
    if (c == '\0') return -1;
    if (c != '/') {
      out[written.size++] = c;
      continue;
    }
    // An escaped slash separates segments like a plain one: whoever opens the file sees no
    // difference either.
    const ptrdiff_t before = written.size;
    if (!written.close_segment()) return -1;
    if (written.size == before) {
      out[written.size++] = '/';
      written.segment = written.size;
    }
  }
  return written.close_segment() ? written.size : -1;
}

std::string Url::authority() const {
  std::string text = host.find(':') == host.npos ? host : "[" + host + "]";
  if (port != (scheme == "https" ? 443 : 80)) text += ":" + std::to_string(port);
  return text;
}

Result<Url> parse_url(std::string_view text) {
  const std::string shown = "the URL '" + std::string(text) + "' ";
  const size_t colon = text.find("://");
  Url url;
  if (colon == text.npos) {
    return fail(shown + "has no http:// or https:// in front" + std::string(example));
  }
  url.scheme = to_lower(text.substr(0, colon));
  if (url.scheme != "http" && url.scheme != "https") {
    return fail(shown + "is neither http nor https" + std::string(example));
  }
  std::string_view rest = text.substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));  // a fragment stays with the client
  const size_t authority_size = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, authority_size);
  rest.remove_prefix(authority_size);

  if (authority.find('@') != authority.npos) {
    return fail(shown + "holds a user name; send an Authorization header instead");
  }
  Authority parts;
  if (!parse_authority(authority, parts)) {
    return fail(shown + "has no valid host and port" + std::string(example));
  }
  url.host = parts.host;
  if (url.host.front() == '[') url.host = url.host.substr(1, url.host.size() - 2);
  url.port = url.scheme == "https" ? 443 : 80;
  if (!parts.port.empty()) url.port = std::stoi(std::string(parts.port));
  if (url.port == 0) return fail(shown + "has port 0" + std::string(example));

  for (const char c : rest) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7f) {
      return fail(shown + "holds a byte that must be percent-encoded, as %20 for a space");
    }
  }
  url.target = rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);
  return url;
}

}  // namespace labcoat::http
