#include "http2/huffman.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "http2/huffman_code.h"
#include "http2/same_text.h"

namespace labcoat::http2 {
namespace {

constexpr HuffmanOrder huffman_order = order_huffman();
constexpr auto huffman_codes = make_huffman_codes();
constexpr auto huffman_steps = make_huffman_steps();

// Of what was loaded or is to be stored in the order of the string.
template <class T>
constexpr T big_endian(T number) {
  if constexpr (std::endian::native == std::endian::big) return number;
  if constexpr (sizeof(T) == 8) return __builtin_bswap64(number);
  return static_cast<T>(__builtin_bswap32(static_cast<u32>(number)));
}

constexpr u16 little_endian(u16 number) {
  if constexpr (std::endian::native == std::endian::little) return number;
  return __builtin_bswap16(number);
}

// The bits of a string that are next, inverted, from the highest down; zeros behind the last.
struct NextBits {
  const char* const begin;
  const char* at;
  const char* const end;
  u64 bits = 0;
  u64 have = 0;  // below them there may already lie some that come later

  // Afterwards there are at least 56, or all that the string has left.
  void refill() {
    const size_t left = static_cast<size_t>(end - at);
    if (left >= 8) {
      bits |= ~big_endian(load<u64>(at)) >> have;
      at += (63 - have) >> 3;
      have |= 56;
    } else {
      bits |= ~last_word(left) >> have;
      const size_t taken = std::min<size_t>(left, (63 - have) >> 3);
      at += taken;
      have += taken * 8;
    }
  }
  // Fewer than eight bytes, then ones.
  u64 last_word(size_t left) const {
    const u64 ones = left == 0 ? ~u64{0} : ~u64{0} >> (left * 8);
    const u64 rest_bits = 64 - left * 8;
    if (end - begin >= 8 && left != 0) {
      return big_endian(load<u64>(end - 8)) << rest_bits | ones;
    }
    if (left >= 4) {
      return u64{big_endian(load<u32>(at))} << 32 |
             u64{big_endian(load<u32>(end - 4))} << rest_bits | ones;
    }
    u64 word = 0;
    for (const char* p = at; p != end; ++p) word = word << 8 | static_cast<u8>(*p);
    return left == 0 ? ones : word << rest_bits | ones;
  }
};

// The first symbol of any length. Far more rarely needed than a step.
[[gnu::noinline]] u32 decode_one(u64 inverted_bits) {
  const u64 bits = ~inverted_bits >> 32;
  size_t length = 5;
  while (length < huffman_bits_max && bits >= huffman_order.end[length]) ++length;
  const u64 code = bits >> (32 - length);
  const u32 symbol =
      huffman_order
          .symbols[huffman_order.first_symbol[length] + code - huffman_order.first_code[length]];
  return pack_huffman_step(symbol, 1, static_cast<u32>(length));
}

}  // namespace

size_t huffman_decode(std::string_view coded, char* out) {
  NextBits next{coded.data(), coded.data(), coded.data() + coded.size()};
  char* at = out;
  const auto take = [&](u32 step) {
    const u16 symbols = little_endian(static_cast<u16>(step >> 16));
    std::memcpy(at, &symbols, sizeof symbols);
    at += step >> 8 & 0xff;
    next.bits <<= step & 0xff;
    next.have -= step & 0xff;
  };
  for (;;) {
    if (next.at != next.end) next.refill();
    u32 step = 0;
    while (next.have >= huffman_step_bits) {
      step = huffman_steps[next.bits >> (64 - huffman_step_bits)];
      if (step == 0) break;
      take(step);
    }
    if (next.have < huffman_step_bits) {
      if (next.at != next.end) continue;
      // Section 5.2: what is less than a byte and all ones is padding.
      if (next.bits == 0 && next.have < 8) return static_cast<size_t>(at - out);
      step = huffman_steps[next.bits >> (64 - huffman_step_bits)];
      if ((step & 0xff) > next.have) step = 0;
    }
    if (step == 0) {
      if (next.at != next.end) next.refill();
      step = decode_one(next.bits);
      if ((step & 0xff) > next.have || step >> 16 == huffman_eos) return huffman_broken;
    }
    take(step);
  }
}

size_t huffman_encode(std::string_view text, char* out) {
  char* at = out;
  const char* const end = out + text.size();
  u64 bits = 0;  // the lowest `have` are still to be written
  u32 have = 0;
  for (const char c : text) {
    const HuffmanCode code = huffman_codes[static_cast<u8>(c)];
    bits = bits << code.bits | code.code;
    have += code.bits;
    if (have >= 32) {
      have -= 32;
      const u32 word = big_endian(static_cast<u32>(bits >> have));
      std::memcpy(at, &word, sizeof word);
      at += 4;
      if (at >= end) return 0;
    }
  }
  // RFC 7541 section 5.2: padded with the beginning of EOS, which is all ones.
  const u32 rest = big_endian(static_cast<u32>(bits << (32 - have)) | 0xffffffffU >> have);
  std::memcpy(at, &rest, sizeof rest);
  at += (have + 7) / 8;
  return at < end ? static_cast<size_t>(at - out) : 0;
}

}  // namespace labcoat::http2
