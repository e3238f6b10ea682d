// The Huffman code of HPACK (RFC 7541 section 5.2 and appendix B): strings to bits and back. Pure.
#pragma once

#include <cstddef>
#include <string_view>

namespace labcoat::http2 {

constexpr size_t huffman_broken = static_cast<size_t>(-1);

// No more than so many bytes come out of `coded_bytes`: the shortest code has 5 bits. That much
// room huffman_decode wants, and may write anything behind what it returns.
constexpr size_t huffman_room(size_t coded_bytes) {
  return coded_bytes * 8 / 5 + 2;
}
// The bytes written to `out`, or huffman_broken: a code that is cut, EOS within the string, or
// padding that is longer than 7 bits or not the beginning of EOS.
size_t huffman_decode(std::string_view coded, char* out);

// Writes the code of `text`, if that is shorter than `text`: the bytes it takes. Else 0, and what
// lies at `out` means nothing. Up to text.size() + huffman_slack bytes of `out` are used.
constexpr size_t huffman_slack = 8;
size_t huffman_encode(std::string_view text, char* out);

}  // namespace labcoat::http2
