// What SliceResult can say about itself.
#include <algorithm>

#include "bench/generator.h"

namespace labcoat::bench {
namespace {

double per_second(u64 count, i64 ns) {
  return ns <= 0 ? 0 : static_cast<double>(count) * 1e9 / static_cast<double>(ns);
}

double share_of(i64 part, i64 whole) {
  return whole <= 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

void add_counts(SliceResult& sum, const SliceResult& other) {
  sum.requests += other.requests;
  sum.responses += other.responses;
  sum.responses_in_time += other.responses_in_time;
  for (size_t i = 0; i < sum.status.size(); ++i) sum.status[i] += other.status[i];
  for (size_t i = 0; i < sum.errors.size(); ++i) sum.errors[i] += other.errors[i];
  sum.reconnects += other.reconnects;
  sum.waited += other.waited;
  sum.late += other.late;
  sum.bytes_in += other.bytes_in;
  sum.bytes_out += other.bytes_out;
  sum.out_of_ports |= other.out_of_ports;
  sum.out_of_files |= other.out_of_files;
  sum.response.merge(other.response);
  sum.service.merge(other.service);
  sum.send_lag.merge(other.send_lag);
  sum.own_lag.merge(other.own_lag);
  sum.connect.merge(other.connect);
}

}  // namespace

double ThreadUse::cpu_share() const {
  return share_of(cpu_ns, elapsed_ns);
}

double ThreadUse::busy_share() const {
  return share_of(cpu_ns + starved_ns, elapsed_ns);
}

u64 SliceResult::errors_total() const {
  u64 sum = 0;
  for (const u64 count : errors) sum += count;
  return sum;
}

double SliceResult::rps() const {
  return per_second(responses_in_time, elapsed_ns);
}

double SliceResult::rps_busy() const {
  return per_second(responses, busy_ns);
}

double SliceResult::cpu_share_max() const {
  double most = 0;
  for (const ThreadUse& thread : threads) most = std::max(most, thread.cpu_share());
  return most;
}

double SliceResult::busy_share_max() const {
  double most = 0;
  for (const ThreadUse& thread : threads) most = std::max(most, thread.busy_share());
  return most;
}

void SliceResult::merge(const SliceResult& later) {
  add_counts(*this, later);
  elapsed_ns += later.elapsed_ns;
  busy_ns += later.busy_ns;
  threads.resize(std::max(threads.size(), later.threads.size()));
  for (size_t i = 0; i < later.threads.size(); ++i) {
    threads[i].cpu_ns += later.threads[i].cpu_ns;
    threads[i].starved_ns += later.threads[i].starved_ns;
    threads[i].elapsed_ns += later.threads[i].elapsed_ns;
  }
}

void SliceResult::merge_thread(const SliceResult& beside) {
  add_counts(*this, beside);
  elapsed_ns = std::max(elapsed_ns, beside.elapsed_ns);
  busy_ns = std::max(busy_ns, beside.busy_ns);
  threads.insert(threads.end(), beside.threads.begin(), beside.threads.end());
}

}  // namespace labcoat::bench
