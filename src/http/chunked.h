// The chunked transfer coding, RFC 9112 section 7.1: strict, incremental, without allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/field.h"

namespace labcoat::http {

struct ChunkLimits {
  size_t line_bytes_max = 256;  // chunk-size line with its extensions
  size_t trailer_bytes_max = 8 * 1024;
};

// Feed it whatever arrived; it hands back the payload piece by piece.
class ChunkedDecoder {
 public:
  enum class Step {
    data,       // `data` holds payload, never empty; call again with the rest
    need_more,  // everything given was consumed
    done,       // last chunk and trailers read; what follows `consumed` is the next message
    bad,        // framing error: answer 400 and close
  };
  struct Outcome {
    Step step;
    size_t consumed;        // bytes of the input that were used
    std::string_view data;  // a view into the input
  };

  explicit ChunkedDecoder(ChunkLimits limits = {}) : limits_(limits) {}
  Outcome next(std::string_view input);

 private:
  enum class State : uint8_t {
    size_first,
    size,
    size_space,
    extension,
    size_lf,
    payload,
    payload_cr,
    payload_lf,
    trailer_start,
    trailer_name,
    trailer,
    trailer_lf,
    final_lf,
    finished,  // from here on nothing more is read
    failed,
  };
  State after(char c);
  State after_in_size_line(char c);
  State after_in_trailer(char c);

  ChunkLimits limits_;
  State state_ = State::size_first;
  uint64_t remaining_ = 0;
  size_t line_bytes_ = 0;
  size_t trailer_bytes_ = 0;
};

}  // namespace labcoat::http
