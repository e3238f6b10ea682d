// How long the fields of a request and of an answer take, ours and nghttp2's, once the tables know
// them. In time, or in instructions:
//   ninja hpack_perf && src/http2/hpack_perf
//   valgrind --tool=callgrind --toggle-collect='*::decode_again*' src/http2/hpack_perf …
#include <benchmark/benchmark.h>
#include <nghttp2/nghttp2.h>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "http2/hpack_encoder.h"
#include "http2/hpack_test_words.h"

namespace labcoat::http2 {
namespace {

const Fields h2load = {{":path", "/index-of-things.html"},
                       {":scheme", "https"},
                       {":authority", "127.0.0.1:8443"},
                       {":method", "GET"},
                       {"user-agent", "h2load nghttp2/1.52.0"}};
const Fields curl = {{":method", "GET"},
                     {":path", "/notes/7"},
                     {":scheme", "https"},
                     {":authority", "localhost:8443"},
                     {"user-agent", "curl/7.88.1"},
                     {"accept", "*/*"}};
const Fields chrome = {
    {":method", "GET"},
    {":authority", "notes.example.org"},
    {":scheme", "https"},
    {":path", "/search?q=tea+and+cake&page=2"},
    {"sec-ch-ua", "\"Chromium\";v=\"130\", \"Not?A_Brand\";v=\"99\""},
    {"sec-ch-ua-mobile", "?0"},
    {"sec-ch-ua-platform", "\"Linux\""},
    {"upgrade-insecure-requests", "1"},
    {"user-agent",
     "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 "
     "Safari/537.36"},
    {"accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"},
    {"sec-fetch-site", "same-origin"},
    {"sec-fetch-mode", "navigate"},
    {"sec-fetch-dest", "document"},
    {"referer", "https://notes.example.org/search?q=tea"},
    {"accept-encoding", "gzip, deflate, br"},
    {"accept-language", "en-GB,en;q=0.9,de;q=0.8"},
    {"cookie", "session=eyJ1c2VyIjo0Mn0.ZxYQ.3kz1v0sVb7; theme=dark; csrftoken=9f2b6c0e"},
    {"priority", "u=0, i"}};

class Counter final : public FieldSink {
 public:
  bool on_field(std::string_view name, std::string_view value) override {
    bytes += name.size() + value.size();
    return true;
  }
  size_t bytes = 0;
};

void encode(HpackEncoder& encoder, const Fields& head, std::string& out) {
  out.clear();
  encoder.begin(out);
  for (const auto& [name, value] : head) encoder.add(out, name, value);
}

// Not inlined, so that their instructions can be counted.
[[gnu::noinline]] void encode_again(HpackEncoder& encoder, const Fields& head, std::string& out) {
  encode(encoder, head, out);
}
[[gnu::noinline]] void decode_again(HpackDecoder& decoder, std::string_view block, Counter& sink) {
  CHECK(decoder.decode(block, sink) == HpackDecoder::Outcome::done);
}

void ours_encodes(benchmark::State& state, const Fields& head) {
  HpackEncoder encoder;
  std::string out;
  for (int i = 0; i < 3; ++i) encode(encoder, head, out);
  for (auto _ : state) encode_again(encoder, head, out);
  state.counters["block_bytes"] = static_cast<double>(out.size());
}
void ours_decodes(benchmark::State& state, const Fields& head) {
  HpackEncoder encoder;
  HpackDecoder decoder;
  Counter sink;
  std::string block;
  for (int i = 0; i < 3; ++i) {
    encode(encoder, head, block);
    CHECK(decoder.decode(block, sink) == HpackDecoder::Outcome::done);
  }
  for (auto _ : state) decode_again(decoder, block, sink);
  benchmark::DoNotOptimize(sink.bytes);
  state.counters["block_bytes"] = static_cast<double>(block.size());
}

std::vector<nghttp2_nv> nghttp2_fields(const Fields& head) {
  std::vector<nghttp2_nv> fields;
  fields.reserve(head.size());
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
  };
  for (const auto& [name, value] : head) {
    fields.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
  }
  return fields;
}

[[gnu::noinline]] size_t nghttp2_encode_again(nghttp2_hd_deflater* deflater,
                                              const std::vector<nghttp2_nv>& fields,
                                              std::vector<uint8_t>& out) {
  const ssize_t bytes =
      nghttp2_hd_deflate_hd(deflater, out.data(), out.size(), fields.data(), fields.size());
  CHECK(bytes >= 0);
  return static_cast<size_t>(bytes);
}
[[gnu::noinline]] void nghttp2_decode_again(nghttp2_hd_inflater* inflater, const uint8_t* at,
                                            size_t bytes, Counter& sink) {
  for (;;) {
    nghttp2_nv field;
    int flags = 0;
    const ssize_t used = nghttp2_hd_inflate_hd2(inflater, &field, &flags, at, bytes, 1);
    CHECK(used >= 0);
    at += used;
    bytes -= static_cast<size_t>(used);
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
      sink.on_field({reinterpret_cast<char*>(field.name), field.namelen},
                    {reinterpret_cast<char*>(field.value), field.valuelen});
    }
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
  }
  nghttp2_hd_inflate_end_headers(inflater);
}

void nghttp2_encodes(benchmark::State& state, const Fields& head) {
  nghttp2_hd_deflater* deflater = nullptr;
  CHECK(nghttp2_hd_deflate_new(&deflater, HpackEncoder::table_bytes_max) == 0);
  const std::vector<nghttp2_nv> fields = nghttp2_fields(head);
  std::vector<uint8_t> out(4096);
  size_t bytes = 0;
  for (int i = 0; i < 3; ++i) bytes = nghttp2_encode_again(deflater, fields, out);
  for (auto _ : state) bytes = nghttp2_encode_again(deflater, fields, out);
  state.counters["block_bytes"] = static_cast<double>(bytes);
  nghttp2_hd_deflate_del(deflater);
}
void nghttp2_decodes(benchmark::State& state, const Fields& head) {
  nghttp2_hd_deflater* deflater = nullptr;
  nghttp2_hd_inflater* inflater = nullptr;
  CHECK(nghttp2_hd_deflate_new(&deflater, HpackEncoder::table_bytes_max) == 0);
  CHECK(nghttp2_hd_inflate_new(&inflater) == 0);
  const std::vector<nghttp2_nv> fields = nghttp2_fields(head);
  std::vector<uint8_t> block(4096);
  Counter sink;
  size_t bytes = 0;
  for (int i = 0; i < 3; ++i) {
    bytes = nghttp2_encode_again(deflater, fields, block);
    nghttp2_decode_again(inflater, block.data(), bytes, sink);
  }
  for (auto _ : state) nghttp2_decode_again(inflater, block.data(), bytes, sink);
  benchmark::DoNotOptimize(sink.bytes);
  state.counters["block_bytes"] = static_cast<double>(bytes);
  nghttp2_hd_inflate_del(inflater);
  nghttp2_hd_deflate_del(deflater);
}

BENCHMARK_CAPTURE(ours_encodes, cached_file, cached_file);
BENCHMARK_CAPTURE(nghttp2_encodes, cached_file, cached_file);
BENCHMARK_CAPTURE(ours_decodes, h2load, h2load);
BENCHMARK_CAPTURE(nghttp2_decodes, h2load, h2load);
BENCHMARK_CAPTURE(ours_decodes, curl, curl);
BENCHMARK_CAPTURE(nghttp2_decodes, curl, curl);
BENCHMARK_CAPTURE(ours_decodes, chrome, chrome);
BENCHMARK_CAPTURE(nghttp2_decodes, chrome, chrome);

}  // namespace
}  // namespace labcoat::http2

BENCHMARK_MAIN();
