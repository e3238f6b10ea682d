#include "logs/request_log.h"

#include <chrono>
#include <fstream>
#include <gtest/gtest.h>
#include <mutex>
#include <sstream>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include "clients/client.h"
#include "clients/listener_info.h"
#include "logs/thread_log.h"

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
  ThreadLog thread((*log)->rules(), 0);
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

std::string name_in_temp(const char* word) {
  return testing::TempDir() + word + "." + std::to_string(getpid());
}

// What an edge thread's loop does: rules arrive between requests, several of which are under way.
class Requests {
 public:
  Requests(std::shared_ptr<const LogRules> rules, int thread)
      : given_(std::move(rules)), log_(given_, thread) {}

  void give(std::shared_ptr<const LogRules> rules) {
    const std::lock_guard lock(mutex_);
    given_ = std::move(rules);
  }

  void answer(int count) {
    const clients::ListenerInfo listener;
    const clients::Client client(sockaddr_storage{}, listener);
    const LogFacts facts{
        .client = client, .status = 200, .protocol = "HTTP/1.1", .route = {}, .app = {}};
    std::vector<std::unique_ptr<LogNotes>> under_way;
    for (int i = 0; i < count; ++i) {
      take_given();
      http::RequestHead head;
      const std::string number = std::to_string(i);
      head.target = head.host = number;
      under_way.push_back(log_.note(head));
      if (under_way.size() < 5) continue;
      for (auto& notes : under_way) log_.write(facts, std::move(notes));
      under_way.clear();
      if (i % 3 == 0) log_.hand_over();
    }
    for (auto& notes : under_way) log_.write(facts, std::move(notes));
    log_.hand_over();
  }

 private:
  void take_given() {
    const std::lock_guard lock(mutex_);
    if (given_) log_.adopt(std::exchange(given_, nullptr));
  }

  std::mutex mutex_;
  std::shared_ptr<const LogRules> given_;
  ThreadLog log_;
};

TEST(RequestLog, ChangesOfFileAndFormatLoseNoLineAndMixNone) {
  constexpr int threads = 2, count = 5000, changes = 40;
  config::Config configs[2];
  for (int i = 0; i < 2; ++i) {
    configs[i].edge_threads = threads;
    configs[i].access_log = name_in_temp(i == 0 ? "one" : "two");
    configs[i].access_log_format = i == 0 ? "one {target} {host}" : "two {host} {target}";
    unlink(configs[i].access_log.c_str());
  }
  auto log = RequestLog::open(configs[0]);
  ASSERT_TRUE(log.has_value());
  {
    Requests first((*log)->rules(), 0), second((*log)->rules(), 1);
    std::thread a([&] { first.answer(count); }), b([&] { second.answer(count); });
    for (int i = 1; i <= changes; ++i) {
      ASSERT_TRUE((*log)->adopt(configs[i % 2]));
      first.give((*log)->rules());
      second.give((*log)->rules());
      std::this_thread::yield();
    }
    a.join();
    b.join();
  }
  EXPECT_EQ((*log)->dropped(), 0u);
  log->reset();
  int lines = 0;
  for (const config::Config& config : configs) {
    std::istringstream text(text_of(config.access_log));
    for (std::string word, target, host; text >> word >> target >> host; ++lines) {
      ASSERT_EQ(word, config.access_log_format.substr(0, 3));
      ASSERT_EQ(target, host);
    }
    unlink(config.access_log.c_str());
  }
  EXPECT_EQ(lines, threads * count);
}

TEST(RequestLog, AFileThatCannotBeOpenedChangesNothing) {
  config::Config config;
  config.access_log = name_in_temp("good");
  auto log = RequestLog::open(config);
  ASSERT_TRUE(log.has_value());
  const auto rules = (*log)->rules();
  config.slow_log = name_in_temp("nowhere") + "/log";
  const auto adopted = (*log)->adopt(config);
  ASSERT_FALSE(adopted);
  EXPECT_EQ(adopted.error().text,
            "cannot open the slow log " + config.slow_log + ": No such file or directory");
  EXPECT_EQ((*log)->rules(), rules);
  config.slow_log = "off";
  config.access_log_format = "{status}";
  ASSERT_TRUE((*log)->adopt(config));
  EXPECT_EQ((*log)->rules()->access, rules->access)
      << "what has its name still is not opened again";
  unlink(config.access_log.c_str());
}

}  // namespace
}  // namespace labcoat::logs
