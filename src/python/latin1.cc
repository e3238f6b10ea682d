#include "python/latin1.h"

#include <cstdint>
#include <cstring>

namespace labcoat::python {
namespace {

bool is_ascii(std::string_view text) {
  std::uint64_t seen = 0, word;
  const char* at = text.data();
  size_t left = text.size();
  for (; left >= sizeof word; at += sizeof word, left -= sizeof word) {
    std::memcpy(&word, at, sizeof word);
    seen |= word;
  }
  for (; left > 0; ++at, --left) seen |= static_cast<unsigned char>(*at);
  return (seen & 0x8080808080808080) == 0;
}

}  // namespace

bool append_latin1(PyObject* text, std::string& out) {
  Py_ssize_t bytes;
  // For an ASCII string this is a pointer into the object; others get their UTF-8 form cached.
  const char* const utf8 = PyUnicode_AsUTF8AndSize(text, &bytes);
  if (!utf8) {
    PyErr_Clear();
    return false;
  }
  const std::string_view view(utf8, static_cast<size_t>(bytes));
  if (is_ascii(view)) {
    out.append(view);
    return true;
  }
  // U+0080 to U+00FF are the two-byte sequences that begin with C2 or C3.
  for (size_t i = 0; i < view.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(view[i]);
    if (c < 0x80) {
      out.push_back(view[i]);
    } else if (c == 0xc2 || c == 0xc3) {
      const unsigned char low = static_cast<unsigned char>(view[++i]);
      out.push_back(static_cast<char>(((c & 3u) << 6) | (low & 0x3fu)));
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace labcoat::python
