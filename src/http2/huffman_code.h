// The code itself, RFC 7541 appendix B, as tables made by the compiler. It is a canonical code: the
// lengths say all. Codes of one length are consecutive numbers in the order of their symbols, and
// begin where the shorter ones ended.
#pragma once

#include <array>

#include "base/clock.h"

namespace labcoat::http2 {

constexpr size_t huffman_symbols = 257;
constexpr size_t huffman_eos = 256;
constexpr size_t huffman_bits_max = 30;

constexpr std::array<u8, huffman_symbols> huffman_lengths = {
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,  // 0x00
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,  // 0x10
    6,  10, 10, 12, 13, 6,  8,  11, 10, 10, 8,  11, 8,  6,  6,  6,   // 0x20
    5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8,  15, 6,  12, 10,  // 0x30
    13, 6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,   // 0x40
    7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8,  13, 19, 13, 14, 6,   // 0x50
    15, 5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,   // 0x60
    6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7,  15, 11, 14, 13, 28,  // 0x70
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,  // 0x80
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,  // 0x90
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,  // 0xa0
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,  // 0xb0
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,  // 0xc0
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,  // 0xd0
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,  // 0xe0
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,  // 0xf0
    30};                                                             // EOS

struct HuffmanCode {
  u32 code = 0;  // in the lowest bits
  u32 bits = 0;
};

// What decoding a long code needs: for each length the first code, and where its symbols begin in
// `symbols`, which is sorted by code.
struct HuffmanOrder {
  std::array<u16, huffman_symbols> symbols{};
  std::array<u32, huffman_bits_max + 1> first_code{};
  std::array<u16, huffman_bits_max + 1> first_symbol{};
  // Codes of this length and shorter ones are below this, when both begin at bit 31.
  std::array<u64, huffman_bits_max + 1> end{};
};

constexpr HuffmanOrder order_huffman() {
  HuffmanOrder order;
  std::array<u16, huffman_bits_max + 2> of_length{};
  for (const u8 bits : huffman_lengths) ++of_length[bits];
  u32 code = 0;
  u16 at = 0;
  for (size_t bits = 1; bits <= huffman_bits_max; ++bits) {
    code <<= 1;
    order.first_code[bits] = code;
    order.first_symbol[bits] = at;
    code += of_length[bits];
    at = static_cast<u16>(at + of_length[bits]);
    order.end[bits] = static_cast<u64>(code) << (32 - bits);
  }
  std::array<u16, huffman_bits_max + 1> next = order.first_symbol;
  for (size_t symbol = 0; symbol < huffman_symbols; ++symbol) {
    order.symbols[next[huffman_lengths[symbol]]++] = static_cast<u16>(symbol);
  }
  return order;
}

constexpr std::array<HuffmanCode, huffman_symbols> make_huffman_codes() {
  std::array<HuffmanCode, huffman_symbols> codes;
  std::array<u32, huffman_bits_max + 1> next = order_huffman().first_code;
  for (size_t symbol = 0; symbol < huffman_symbols; ++symbol) {
    const u8 bits = huffman_lengths[symbol];
    codes[symbol] = {next[bits]++, bits};
  }
  return codes;
}

// What the next 12 bits say: one symbol, or two if their codes are not longer than that together.
// In one word, so that a step is one look: in the lowest byte the bits they take, then their
// number, then they themselves, the first lower. 0: the code is longer than 12 bits.
constexpr size_t huffman_step_bits = 12;

constexpr u32 pack_huffman_step(u32 symbols, u32 count, u32 bits) {
  return symbols << 16 | count << 8 | bits;
}
constexpr u32 first_of_huffman_step(u32 step) {
  return step >> 16 & 0xff;
}

// By the bits inverted: whoever shifts zeros in behind the last bit of a string then finds there
// the ones that padding consists of.
constexpr std::array<u32, 1 << huffman_step_bits> make_huffman_steps() {
  constexpr size_t size = 1 << huffman_step_bits;
  std::array<u32, size> steps{};
  const auto step_of = [&steps](size_t bits) -> u32& { return steps[~bits & (size - 1)]; };
  const HuffmanOrder order = order_huffman();
  size_t at = 0;
  for (const u16 symbol : order.symbols) {
    const u8 bits = huffman_lengths[symbol];
    if (bits > huffman_step_bits) break;
    for (const size_t end = at + (size >> bits); at < end; ++at) {
      step_of(at) = pack_huffman_step(symbol, 1, bits);
    }
  }
  for (size_t i = 0; i < size; ++i) {
    if (step_of(i) == 0) continue;
    // Of what follows only the first symbol counts, and only if its code ends within the 12 bits.
    const u32 first = first_of_huffman_step(step_of(i));
    const u32 next = step_of(i << huffman_lengths[first]);
    if (next == 0) continue;
    const u32 second = first_of_huffman_step(next);
    const u32 bits = u32{huffman_lengths[first]} + huffman_lengths[second];
    if (bits <= huffman_step_bits) step_of(i) = pack_huffman_step(first | second << 8, 2, bits);
  }
  return steps;
}

}  // namespace labcoat::http2
