#include "logs/log_escape.h"

#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace labcoat::logs {
namespace {

constexpr char escape_digits[] = "0123456789abcdef";

bool is_plain(char c, LogEscape how) {
  // char is signed or not: bytes above ASCII are no printable ones in either case.
  return c > ' ' && c < 0x7f ? c != '"' && c != '\\' : c == ' ' && how != LogEscape::bare;
}

char* put_escape(char c, LogEscape how, char* out) {
  if (how == LogEscape::json && (c == '"' || c == '\\')) {
    *out++ = '\\';
    *out++ = c;
    return out;
  }
  const std::string_view begin = how == LogEscape::json ? "\\u00" : "\\x";
  std::memcpy(out, begin.data(), begin.size());
  out += begin.size();
  const auto byte = static_cast<unsigned char>(c);
  *out++ = escape_digits[byte >> 4];
  *out++ = escape_digits[byte & 15];
  return out;
}

}  // namespace

char* put_escaped(std::string_view text, LogEscape how, char* out) {
  for (const char c : text) {
    if (is_plain(c, how)) {
      *out++ = c;
    } else {
      out = put_escape(c, how, out);
    }
  }
  return out;
}

#if defined(__SSE2__)
char* put_escaped_padded(std::string_view text, LogEscape how, char* out) {
  const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), del = _mm_set1_epi8(0x7f);
  const __m128i below = how == LogEscape::bare ? _mm_set1_epi8(' ') : _mm_set1_epi8(' ' - 1);
  while (!text.empty()) {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data()));
    // Right as long as all is plain; else what follows is written over it.
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), x);
    // Signed, so that bytes above ASCII count as below the lowest.
    const __m128i high = _mm_cmpgt_epi8(x, below);
    const __m128i marks = _mm_or_si128(
        _mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, slash)), _mm_cmpeq_epi8(x, del));
    const auto plain = static_cast<unsigned>(_mm_movemask_epi8(_mm_andnot_si128(marks, high)));
    const auto first = static_cast<size_t>(__builtin_ctz(~plain));  // 16: none
    if (first >= text.size()) return out + text.size();
    out += first;
    text.remove_prefix(first);
    if (first == log_block_bytes) continue;
    out = put_escape(text.front(), how, out);
    text.remove_prefix(1);
  }
  return out;
}
#else
char* put_escaped_padded(std::string_view text, LogEscape how, char* out) {
  return put_escaped(text, how, out);
}
#endif

}  // namespace labcoat::logs
