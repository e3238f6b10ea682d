// normalize_path: the result is safe to route by and stays as it is when it is encoded and
// normalised again.
#include <string>

#include "base/check.h"
#include "fuzz_input.h"
#include "http/url.h"

using namespace labcoat::http;
using labcoat::fuzz::ExactBytes;

static bool normalize(std::string_view path, std::string& out) {
  const ExactBytes in(path);
  std::unique_ptr<char[]> memory(new char[path.size()]);
  const ptrdiff_t size = normalize_path(in.view(), memory.get());
  if (size < 0) return false;
  CHECK(static_cast<size_t>(size) <= path.size());
  out.assign(memory.get(), static_cast<size_t>(size));
  return true;
}

static std::string encode(std::string_view path) {
  std::string text;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = c == '/' || (byte | 0x20) - 'a' < 26u || (byte >= '0' && byte <= '9');
    text += plain
                ? std::string(1, c)
                : std::string("%") + "0123456789abcdef"[byte >> 4] + "0123456789ABCDEF"[byte & 15];
  }
  return text;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  std::string path, again;
  if (!normalize(input, path)) return 0;
  CHECK(input.front() == '/' && path.front() == '/');
  CHECK(path.find('\0') == path.npos);
  for (size_t at = 0; at != path.npos;) {
    const size_t next = path.find('/', at + 1);
    const std::string segment = path.substr(at + 1, next == path.npos ? next : next - at - 1);
    CHECK(segment != "." && segment != "..");
    at = next;
  }
  CHECK(normalize(encode(path), again) && again == path);
  if (path.find('%') == path.npos) CHECK(normalize(path, again) && again == path);
  return 0;
}
