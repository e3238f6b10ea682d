// Compressor: bytes in, the same in a content coding out, piece by piece. gzip by zlib, br by
// Brotli, zstd by Zstandard.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "http/accept_encoding.h"

namespace labcoat::http {

class Compressor {
 public:
  enum class Effort : unsigned char {
    stored,   // made once and sent often
    passing,  // made for one client
  };
  enum class Then {
    more,   // what comes out now or later is all the same
    flush,  // everything so far can be read by the client
    end,    // no more follows
  };
  // `bytes`: how much will come, or -1. None when there is no memory; identity is not asked for.
  static std::unique_ptr<Compressor> create(ContentCoding coding, Effort effort, long long bytes);

  virtual ~Compressor() = default;
  // Appends to `out`. False: out of memory; nothing more can be made of this stream.
  virtual bool add(std::string_view in, Then then, std::string& out) = 0;
};

// All at once; empty when it failed or would not be smaller than what went in.
std::string compressed(std::string_view content, ContentCoding coding, Compressor::Effort effort);

// Whether content of this type is worth compressing: text in the wide sense, not what is compressed
// already. Parameters do not count.
bool is_compressible(std::string_view content_type);

}  // namespace labcoat::http
