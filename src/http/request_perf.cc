// How long reading a request head takes. Heads as sent by wrk, by curl with a few fields, and by a
// browser with cookies.
//   ninja http_perf && src/http/http_perf
#include <benchmark/benchmark.h>
#include <string>

#include "base/check.h"
#include "http/request.h"
#include "http/response.h"

namespace labcoat::http {
namespace {

const std::string wrk = "GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n";
const std::string curl =
    "POST /notes/add?draft=1 HTTP/1.1\r\nHost: localhost:8000\r\nUser-Agent: curl/7.88.1\r\n"
    "Accept: */*\r\nContent-Type: application/json\r\nContent-Length: 42\r\n\r\n";
const std::string browser =
    "GET /search?q=tea+and+cake&page=2 HTTP/1.1\r\nHost: notes.example.org\r\n"
    "Connection: keep-alive\r\nCache-Control: max-age=0\r\n"
    "sec-ch-ua: \"Chromium\";v=\"130\", \"Not?A_Brand\";v=\"99\"\r\nsec-ch-ua-mobile: ?0\r\n"
    "sec-ch-ua-platform: \"Linux\"\r\nUpgrade-Insecure-Requests: 1\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/130.0.0.0 Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8\r\n"
    "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n"
    "Referer: https://notes.example.org/search?q=tea\r\nAccept-Encoding: gzip, deflate, br\r\n"
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
    "Cookie: session=eyJ1c2VyIjo0Mn0.ZxYQ.3kz1v0sVb7; theme=dark; csrftoken=9f2b6c0e\r\n\r\n";

void request(benchmark::State& state, const std::string& bytes) {
  const RequestLimits limits;
  for (auto _ : state) {
    RequestHead head;
    size_t used = 0, scanned = 0;
    benchmark::DoNotOptimize(bytes.data());
    CHECK(parse_request(bytes, limits, head, used, scanned) == Parsed::done);
    benchmark::DoNotOptimize(head);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes.size()));
  state.counters["head_bytes"] = static_cast<double>(bytes.size());
}
BENCHMARK_CAPTURE(request, wrk, wrk);
BENCHMARK_CAPTURE(request, curl, curl);
BENCHMARK_CAPTURE(request, browser, browser);

void response(benchmark::State& state) {
  const std::string bytes =
      "HTTP/1.1 200 OK\r\nServer: labcoat\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
      "Content-Type: text/html; charset=utf-8\r\nContent-Length: 1234\r\n\r\n";
  ResponseHead head;
  for (auto _ : state) {
    size_t used = 0;
    benchmark::DoNotOptimize(bytes.data());
    CHECK(parse_response(bytes, head, used) == Parsed::done);
    benchmark::DoNotOptimize(head);
  }
}
BENCHMARK(response);

}  // namespace
}  // namespace labcoat::http

BENCHMARK_MAIN();
