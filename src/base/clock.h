// Time as this project counts it: nanoseconds of CLOCK_MONOTONIC, comparable between processes of
// one machine.
#pragma once

#include <cstdint>
#include <ctime>

namespace labcoat {

using i64 = std::int64_t;
using u64 = std::uint64_t;
using u32 = std::uint32_t;
using u16 = std::uint16_t;
using u8 = std::uint8_t;

constexpr i64 us = 1000;  // nanoseconds
constexpr i64 ms = 1000 * us;
constexpr i64 seconds = 1000 * ms;

inline i64 read_clock_ns(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return static_cast<i64>(t.tv_sec) * seconds + t.tv_nsec;
}
inline i64 now_ns() {
  return read_clock_ns(CLOCK_MONOTONIC);
}
// Since the epoch; for logs and dates only, it can jump.
inline i64 wall_ns() {
  return read_clock_ns(CLOCK_REALTIME);
}
// CPU time used by the calling thread.
inline i64 thread_cpu_ns() {
  return read_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

}  // namespace labcoat
