// The inner loops of the head parsers: where a run of allowed bytes ends. Sixteen bytes at a time
// where the machine has SSE2 (every x86-64 has), one by one elsewhere and in the last stretch: no
// byte at or behind `end` is ever read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace labcoat::http {

namespace byte_class {
constexpr uint8_t token = 1;    // tchar, RFC 9110 section 5.6.2
constexpr uint8_t control = 2;  // never in a field value: controls but HTAB, and DEL
constexpr uint8_t target =
    4;  // visible ASCII but '#' (a fragment is never sent) and '?' (callers want to know where)
constexpr uint8_t regname = 8;  // unreserved and sub-delims, RFC 3986 section 3.2.2; '%' apart
constexpr uint8_t digit = 16;
constexpr uint8_t hex = 32;
}  // namespace byte_class

constexpr std::array<uint8_t, 256> make_byte_classes() {
  std::array<uint8_t, 256> classes{};
  for (int c = 0; c < 256; ++c) {
    const bool is_digit = c >= '0' && c <= '9';
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    uint8_t k = 0;
    if ((c < 0x20 && c != '\t') || c == 0x7f) k |= byte_class::control;
    if (c > 0x20 && c < 0x7f && c != '#' && c != '?') k |= byte_class::target;
    if (is_digit) k |= byte_class::digit;
    if (is_digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) k |= byte_class::hex;
    if (is_digit || letter) k |= byte_class::token | byte_class::regname;
    classes[static_cast<size_t>(c)] = k;
  }
  for (const char* p = "!#$%&'*+-.^_`|~"; *p; ++p)
    classes[static_cast<uint8_t>(*p)] |= byte_class::token;
  for (const char* p = "-._~!$&'()*+,;="; *p; ++p) {
    classes[static_cast<uint8_t>(*p)] |= byte_class::regname;
  }
  return classes;
}
inline constexpr std::array<uint8_t, 256> byte_classes = make_byte_classes();

inline bool is_class(char c, uint8_t wanted) {
  return (byte_classes[static_cast<uint8_t>(c)] & wanted) != 0;
}

inline const char* skip_class(const char* p, const char* end, uint8_t wanted) {
  while (p != end && is_class(*p, wanted)) ++p;
  return p;
}

// The first byte that is not a tchar.
inline const char* end_of_token(const char* p, const char* end) {
#if defined(__SSE2__)
  // Letters and '-' make nearly every field name; whatever else is a tchar is left to the table.
  const __m128i case_bit = _mm_set1_epi8(0x20), a = _mm_set1_epi8('a'), span = _mm_set1_epi8(25);
  const __m128i dash = _mm_set1_epi8('-');
  while (end - p >= 16) {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i letter = _mm_sub_epi8(_mm_or_si128(x, case_bit), a);
    const __m128i in_span = _mm_cmpeq_epi8(_mm_min_epu8(letter, span), letter);
    const int good = _mm_movemask_epi8(_mm_or_si128(in_span, _mm_cmpeq_epi8(x, dash)));
    if (good != 0xffff) {
      p += __builtin_ctz(static_cast<unsigned>(~good));
      break;
    }
    p += 16;
  }
#endif
  return skip_class(p, end, byte_class::token);
}

#if defined(__SSE2__)
// One bit per byte of the 16 at `p`: set where a control byte stands.
inline uint64_t control_bits(const char* p) {
  const __m128i last = _mm_set1_epi8(0x1f), tab = _mm_set1_epi8('\t'), del = _mm_set1_epi8(0x7f);
  const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(x, last), x);
  const __m128i control =
      _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(x, tab), low), _mm_cmpeq_epi8(x, del));
  return static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(control)));
}
#endif

// The first control byte: CR, LF, NUL and their like; HTAB is none.
inline const char* find_control(const char* p, const char* end) {
#if defined(__SSE2__)
  while (end - p >= 16) {
    const uint64_t found = control_bits(p);
    if (found != 0) return p + __builtin_ctzll(found);
    p += 16;
  }
#endif
  while (p != end && !is_class(*p, byte_class::control)) ++p;
  return p;
}

// find_control for many lines in turn. It looks at 64 bytes at once and keeps what it saw, so that
// short lines cost no loop of their own: on heads as browsers send them a third of the whole time.
class ControlFinder {
 public:
  ControlFinder(const char* begin, const char* end) : begin_(begin), end_(end), block_(begin) {}

  // As find_control(p, end). `p` never goes back from call to call.
  const char* next(const char* p) {
#if defined(__SSE2__)
    for (;;) {
      const auto offset = static_cast<size_t>(p - block_);
      if (offset < seen_) {
        const uint64_t rest = bits_ >> offset;
        if (rest != 0) return p + __builtin_ctzll(rest);
        p = block_ + seen_;
      }
      if (end_ - p < 16 && (p == end_ || end_ - begin_ < 16)) return find_control(p, end_);
      look(p);
    }
#else
    return find_control(p, end_);
#endif
  }

 private:
#if defined(__SSE2__)
  void look(const char* p) {
    block_ = p;
    if (end_ - p >= 64) {
      seen_ = 64;
      bits_ = control_bits(p) | control_bits(p + 16) << 16 | control_bits(p + 32) << 32 |
              control_bits(p + 48) << 48;
    } else if (end_ - p >= 16) {
      seen_ = 16;
      bits_ = control_bits(p);
    } else {  // the last bytes once more together with some before them
      seen_ = static_cast<size_t>(end_ - p);
      bits_ = control_bits(end_ - 16) >> (16 - seen_);
    }
  }
#endif

  const char* begin_;
  const char* end_;
  const char* block_;
  size_t seen_ = 0;  // bytes of the block that bits_ speaks of
  uint64_t bits_ = 0;
};

// The first byte of a request target that is '?', '#' or not visible ASCII.
inline const char* end_of_target_part(const char* p, const char* end) {
#if defined(__SSE2__)
  const __m128i space = _mm_set1_epi8(0x20), del = _mm_set1_epi8(0x7f);
  const __m128i mark = _mm_set1_epi8('?'), hash = _mm_set1_epi8('#');
  while (end - p >= 16) {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    // Signed, so that bytes from 0x80 count as below the space.
    const __m128i visible = _mm_cmpgt_epi8(x, space);
    const __m128i stop = _mm_or_si128(
        _mm_or_si128(_mm_cmpeq_epi8(x, mark), _mm_cmpeq_epi8(x, hash)), _mm_cmpeq_epi8(x, del));
    const int good = _mm_movemask_epi8(_mm_andnot_si128(stop, visible));
    if (good != 0xffff) return p + __builtin_ctz(static_cast<unsigned>(~good));
    p += 16;
  }
#endif
  return skip_class(p, end, byte_class::target);
}

}  // namespace labcoat::http
