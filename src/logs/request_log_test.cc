#include "logs/request_log.h"

#include <chrono>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <thread>

#include "clients/client.h"
#include "clients/listener_info.h"

namespace labcoat::logs {
namespace {

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// When a backlog breaks up, many slow requests may be answered in one turn of the event loop.
TEST(RequestLog, LinesOfSlowRequestsDoNotPileUpUntilTheEndOfATurn) {
  config::Config config;
  config.access_log = "off";
  config.slow_log = testing::TempDir() + "slow." + std::to_string(getpid());
  config.access_log_format = "{protocol}";
  auto log = RequestLog::open(config);
  ASSERT_TRUE(log.has_value());
  ThreadLog thread(**log, 0);
  const clients::ListenerInfo listener;
  const clients::Client client(sockaddr_storage{}, listener);
  const std::string text = "HTTP/1.1";
  for (int i = 0; i < 4000; ++i) {
    thread.write(
        {.client = client, .total_us = 1'000'000'000, .protocol = text, .route = {}, .app = {}},
        nullptr);
  }
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (text_of(config.slow_log).empty() && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::yield();
  }
  EXPECT_TRUE(text_of(config.slow_log).starts_with("HTTP/1.1\nHTTP/1.1\n"));
  unlink(config.slow_log.c_str());
}

}  // namespace
}  // namespace labcoat::logs
