#include "http2/huffman.h"

#include <bit>
#include <cstring>

#include "http2/huffman_code.h"

namespace labcoat::http2 {
namespace {

constexpr HuffmanOrder huffman_order = order_huffman();
constexpr auto huffman_codes = make_huffman_codes();
constexpr auto huffman_steps = make_huffman_steps();

// The bits of a string that are next, from the highest down. Behind the last bit are ones.
class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}

  // Afterwards there are at least 56 bits, or all that the string has left.
  void refill() {
    while (have_ <= 56 && at_ != end_) {
      bits_ |= static_cast<u64>(static_cast<u8>(*at_++)) << (56 - have_);
      have_ += 8;
    }
  }
  size_t have() const { return have_; }
  u64 next(size_t bits) const { return bits_ >> (64 - bits); }
  u64 next_padded(size_t bits) const {
    const u64 padding = have_ == 64 ? 0 : ~u64{0} >> have_;
    return (bits_ | padding) >> (64 - bits);
  }
  void drop(size_t bits) {
    bits_ <<= bits;
    have_ -= bits;
  }
  bool only_padding_left() const { return have_ < 8 && next_padded(8) == 0xff; }

 private:
  const char* at_;
  const char* const end_;
  u64 bits_ = 0;
  size_t have_ = 0;
};

// One symbol of any length. huffman_eos also for a code that the string ends in.
size_t decode_one(BitReader& reader) {
  const u64 bits = reader.next_padded(32);
  size_t length = 5;
  while (length < huffman_bits_max && bits >= huffman_order.end[length]) ++length;
  if (length > reader.have()) return huffman_eos;
  reader.drop(length);
  const u64 code = bits >> (32 - length);
  return huffman_order
      .symbols[huffman_order.first_symbol[length] + (code - huffman_order.first_code[length])];
}

}  // namespace

size_t huffman_decode(std::string_view coded, char* out) {
  BitReader reader(coded);
  char* at = out;
  for (;;) {
    reader.refill();
    if (reader.have() >= huffman_step_bits) {
      const HuffmanStep& step = huffman_steps[reader.next(huffman_step_bits)];
      if (step.count != 0) {
        std::memcpy(at, step.symbols, 2);
        at += step.count;
        reader.drop(step.bits);
        continue;
      }
    } else if (reader.only_padding_left()) {
      return static_cast<size_t>(at - out);
    }
    const size_t symbol = decode_one(reader);
    if (symbol == huffman_eos) return huffman_broken;
    *at++ = static_cast<char>(symbol);
  }
}

size_t huffman_bytes(std::string_view text) {
  size_t bits = 0;
  for (const char c : text) bits += huffman_lengths[static_cast<u8>(c)];
  return (bits + 7) / 8;
}

void huffman_encode(std::string_view text, char* out) {
  u64 bits = 0;  // the lowest `have` are still to be written
  size_t have = 0;
  for (const char c : text) {
    const HuffmanCode code = huffman_codes[static_cast<u8>(c)];
    bits = bits << code.bits | code.code;
    have += code.bits;
    while (have >= 8) {
      have -= 8;
      *out++ = static_cast<char>(bits >> have);
    }
  }
  // RFC 7541 section 5.2: padded with the beginning of EOS, which is all ones.
  if (have != 0) *out = static_cast<char>(bits << (8 - have) | (0xff >> have));
}

}  // namespace labcoat::http2
