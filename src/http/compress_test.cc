#include "http/compress.h"

#include <brotli/decode.h>
#include <gtest/gtest.h>
#include <random>
#include <zlib.h>
#include <zstd.h>

using namespace labcoat;
using http::Compressor;
using http::ContentCoding;

namespace {

constexpr ContentCoding codings[] = {ContentCoding::br, ContentCoding::zstd, ContentCoding::gzip};

// What a client can read of `bytes`, which may be the front of a stream.
std::string readable(const std::string& bytes, ContentCoding coding) {
  std::string out(1 << 20, '\0');
  if (coding == ContentCoding::gzip) {
    z_stream stream{};
    EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    inflate(&stream, Z_SYNC_FLUSH);
    out.resize(out.size() - stream.avail_out);
    inflateEnd(&stream);
  } else if (coding == ContentCoding::br) {
    BrotliDecoderState* state = BrotliDecoderCreateInstance(nullptr, nullptr, nullptr);
    size_t in_left = bytes.size(), out_left = out.size();
    const auto* in = reinterpret_cast<const uint8_t*>(bytes.data());
    auto* room = reinterpret_cast<uint8_t*>(out.data());
    BrotliDecoderDecompressStream(state, &in_left, &in, &out_left, &room, nullptr);
    out.resize(out.size() - out_left);
    BrotliDecoderDestroyInstance(state);
  } else {
    ZSTD_DCtx* context = ZSTD_createDCtx();
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    while (input.pos < input.size) {
      if (ZSTD_isError(ZSTD_decompressStream(context, &output, &input)) != 0) break;
    }
    out.resize(output.pos);
    ZSTD_freeDCtx(context);
  }
  return out;
}

std::string text_of(size_t bytes) {
  std::string text;
  for (int i = 0; text.size() < bytes; ++i) {
    text.append("line ").append(std::to_string(i)).append("\n");
  }
  text.resize(bytes);
  return text;
}

TEST(Compressor, gives_back_what_went_in_and_less_of_it) {
  for (const ContentCoding coding : codings) {
    for (const size_t bytes : {size_t{1000}, size_t{16384}, size_t{300'000}}) {
      const std::string text = text_of(bytes);
      const std::string small = http::compressed(text, coding, Compressor::Effort::stored);
      ASSERT_FALSE(small.empty()) << http::name_of(coding) << bytes;
      EXPECT_LT(small.size(), text.size() / 2);
      EXPECT_EQ(readable(small, coding), text);
    }
  }
}

TEST(Compressor, makes_nothing_of_what_would_not_be_smaller) {
  std::mt19937 chance(1);
  std::string noise(5000, '\0');
  for (char& c : noise) c = static_cast<char>(chance());
  for (const ContentCoding coding : codings) {
    EXPECT_EQ(http::compressed(noise, coding, Compressor::Effort::stored), "");
    EXPECT_EQ(http::compressed("", coding, Compressor::Effort::stored), "");
  }
}

TEST(Compressor, lets_a_client_read_all_that_was_flushed) {
  for (const ContentCoding coding : codings) {
    const auto compressor = Compressor::create(coding, Compressor::Effort::passing, -1);
    std::string out, sent;
    for (int i = 0; i < 50; ++i) {
      const std::string piece = text_of(static_cast<size_t>(i) * 37);
      sent += piece;
      ASSERT_TRUE(compressor->add(piece.substr(0, piece.size() / 2), Compressor::Then::more, out));
      ASSERT_TRUE(compressor->add(piece.substr(piece.size() / 2), Compressor::Then::flush, out));
      ASSERT_EQ(readable(out, coding), sent) << http::name_of(coding) << i;
    }
    ASSERT_TRUE(compressor->add("end", Compressor::Then::end, out));
    EXPECT_EQ(readable(out, coding), sent + "end");
  }
}

TEST(Compressor, knows_what_is_worth_it) {
  for (const char* type : {"text/html; charset=utf-8", "TEXT/css", "application/json",
                           "image/svg+xml", "application/ld+json;x=y", "font/ttf"}) {
    EXPECT_TRUE(http::is_compressible(type)) << type;
  }
  for (const char* type : {"image/png", "font/woff2", "application/octet-stream", "", "text",
                           "application/zip", "text/event-stream", "video/mp4"}) {
    EXPECT_FALSE(http::is_compressible(type)) << type;
  }
}

}  // namespace
