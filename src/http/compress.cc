#include "http/compress.h"

#include <algorithm>
#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include "http/field.h"

namespace labcoat::http {
namespace {

constexpr size_t step_bytes = 16 * 1024;

// Levels where the curve of size against time bends; what is stored may cost about five times as
// much as what passes.
constexpr int gzip_stored = 6, gzip_passing = 3;
constexpr int brotli_stored = 6, brotli_passing = 4;
constexpr int zstd_stored = 8, zstd_passing = 3;
// Windows bound the memory of a stream: 128 KiB for one that passes. Clients need not take more
// than 8 MiB of zstd's (RFC 9659); gzip has 32 KiB always.
constexpr int window_bits_passing = 17, window_bits_stored = 20;

// A stream that passes and is known to be short needs no more than its own length: a page of 4 KiB
// costs 20 KiB then instead of 260.
int window_bits(Compressor::Effort effort, long long bytes, int most) {
  constexpr int least = 10;
  int bits = most;
  if (effort == Compressor::Effort::stored || bytes < 0) return bits;
  while (bits > least && bytes <= 1LL << (bits - 1)) --bits;
  return bits;
}

// Makes room in `out`, lets step(char*, size_t) fill it, and takes back what was not needed. step
// returns how many bytes it wrote.
template <class Step>
void append_step(std::string& out, const Step& step) {
  const size_t before = out.size();
  out.resize(before + step_bytes);
  out.resize(before + step(out.data() + before, step_bytes));
}

class Gzip final : public Compressor {
 public:
  bool begin(Effort effort, long long bytes) {
    constexpr int window_max = 15, with_frame = 16;
    const int window = window_bits(effort, bytes, window_max);
    const int memory_level = window - 7;  // hash chains of about the window's size
    const int level = effort == Effort::stored ? gzip_stored : gzip_passing;
    begun_ = deflateInit2(&stream_, level, Z_DEFLATED, window + with_frame, memory_level,
                          Z_DEFAULT_STRATEGY) == Z_OK;
    return begun_;
  }
  ~Gzip() override {
    if (begun_) deflateEnd(&stream_);
  }
  bool add(std::string_view in, Then then, std::string& out) override {
    const int flush = then == Then::more    ? Z_NO_FLUSH
                      : then == Then::flush ? Z_SYNC_FLUSH
                                            : Z_FINISH;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = static_cast<uInt>(in.size());
    int result = Z_OK;
    do {
      append_step(out, [&](char* room, size_t bytes) {
        stream_.next_out = reinterpret_cast<Bytef*>(room);
        stream_.avail_out = static_cast<uInt>(bytes);
        result = deflate(&stream_, flush);
        return bytes - stream_.avail_out;
      });
      if (result == Z_STREAM_ERROR) return false;
    } while (stream_.avail_out == 0);
    return true;
  }

 private:
  z_stream stream_{};
  bool begun_ = false;
};

class Brotli final : public Compressor {
 public:
  bool begin(Effort effort, long long bytes) {
    state_ = BrotliEncoderCreateInstance(nullptr, nullptr, nullptr);
    if (state_ == nullptr) return false;
    const bool stored = effort == Effort::stored;
    const int window =
        window_bits(effort, bytes, stored ? window_bits_stored : window_bits_passing);
    set(BROTLI_PARAM_QUALITY, stored ? brotli_stored : brotli_passing);
    set(BROTLI_PARAM_LGWIN, window);
    if (bytes > 0 && bytes < 1 << 30) set(BROTLI_PARAM_SIZE_HINT, static_cast<int>(bytes));
    return true;
  }
  ~Brotli() override { BrotliEncoderDestroyInstance(state_); }
  bool add(std::string_view in, Then then, std::string& out) override {
    const auto operation = then == Then::more    ? BROTLI_OPERATION_PROCESS
                           : then == Then::flush ? BROTLI_OPERATION_FLUSH
                                                 : BROTLI_OPERATION_FINISH;
    size_t in_left = in.size();
    const auto* next_in = reinterpret_cast<const uint8_t*>(in.data());
    do {
      bool good = false;
      append_step(out, [&](char* room, size_t bytes) {
        auto* next_out = reinterpret_cast<uint8_t*>(room);
        size_t left = bytes;
        good = BrotliEncoderCompressStream(state_, operation, &in_left, &next_in, &left, &next_out,
                                           nullptr) == BROTLI_TRUE;
        return bytes - left;
      });
      if (!good) return false;
    } while (in_left > 0 || BrotliEncoderHasMoreOutput(state_) == BROTLI_TRUE);
    return true;
  }

 private:
  void set(BrotliEncoderParameter parameter, int value) {
    BrotliEncoderSetParameter(state_, parameter, static_cast<uint32_t>(value));
  }
  BrotliEncoderState* state_ = nullptr;
};

class Zstandard final : public Compressor {
 public:
  bool begin(Effort effort, long long bytes) {
    context_ = ZSTD_createCCtx();
    if (context_ == nullptr) return false;
    const bool stored = effort == Effort::stored;
    ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, stored ? zstd_stored : zstd_passing);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_windowLog,
                           stored ? window_bits_stored : window_bits_passing);
    if (bytes >= 0) {
      ZSTD_CCtx_setPledgedSrcSize(context_, static_cast<unsigned long long>(bytes));
    }
    return true;
  }
  ~Zstandard() override { ZSTD_freeCCtx(context_); }
  bool add(std::string_view in, Then then, std::string& out) override {
    const auto operation = then == Then::more    ? ZSTD_e_continue
                           : then == Then::flush ? ZSTD_e_flush
                                                 : ZSTD_e_end;
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    size_t left = 0;
    do {
      append_step(out, [&](char* room, size_t bytes) {
        ZSTD_outBuffer output{room, bytes, 0};
        left = ZSTD_compressStream2(context_, &output, &input, operation);
        return output.pos;
      });
      if (ZSTD_isError(left) != 0) return false;
    } while (input.pos < input.size || (operation != ZSTD_e_continue && left > 0));
    return true;
  }

 private:
  ZSTD_CCtx* context_ = nullptr;
};

}  // namespace

std::unique_ptr<Compressor> Compressor::create(ContentCoding coding, Effort effort,
                                               long long bytes) {
  switch (coding) {
    case ContentCoding::br: {
      auto brotli = std::make_unique<Brotli>();
      if (brotli->begin(effort, bytes)) return brotli;
      break;
    }
    case ContentCoding::zstd: {
      auto zstandard = std::make_unique<Zstandard>();
      if (zstandard->begin(effort, bytes)) return zstandard;
      break;
    }
    case ContentCoding::gzip: {
      auto gzip = std::make_unique<Gzip>();
      if (gzip->begin(effort, bytes)) return gzip;
      break;
    }
    case ContentCoding::identity:
      break;
  }
  return nullptr;
}

std::string compressed(std::string_view content, ContentCoding coding, Compressor::Effort effort) {
  std::string out;
  const auto compressor =
      Compressor::create(coding, effort, static_cast<long long>(content.size()));
  if (!compressor || !compressor->add(content, Compressor::Then::end, out) ||
      out.size() >= content.size()) {
    return {};
  }
  out.shrink_to_fit();
  return out;
}

bool is_compressible(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find_first_of("; \t"));
  constexpr std::string_view text = "text/";
  if (same_name(type.substr(0, text.size()), text)) {
    // A stream of events is flushed event by event; nothing is gained.
    return !same_name(type, "text/event-stream");
  }
  if (type.size() > 5 && same_name(type.substr(type.size() - 5), "+json")) return true;
  if (type.size() > 4 && same_name(type.substr(type.size() - 4), "+xml")) return true;
  constexpr std::string_view others[] = {"application/json",
                                         "application/javascript",
                                         "application/xml",
                                         "application/wasm",
                                         "application/vnd.ms-fontobject",
                                         "font/ttf",
                                         "font/otf",
                                         "image/bmp",
                                         "image/vnd.microsoft.icon",
                                         "application/x-javascript"};
  return std::any_of(std::begin(others), std::end(others),
                     [&](std::string_view one) { return same_name(one, type); });
}

}  // namespace labcoat::http
