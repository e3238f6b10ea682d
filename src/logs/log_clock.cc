#include "logs/log_clock.h"

#include <algorithm>
#include <ctime>

#include "base/digits.h"

namespace labcoat::logs {

i64 LogClock::wall_at(i64 now_ns) {
  if (now_ns - read_ns_ >= trusted_for_ns) {
    read_ns_ = now_ns;
    ahead_ns_ = wall_ns() - labcoat::now_ns();
  }
  return now_ns + ahead_ns_;
}

void LogClock::make_local(i64 now_ns) {
  const i64 wall_ns = wall_at(now_ns);
  const i64 second = wall_ns / seconds;
  local_until_ns_ = std::min(now_ns + (second + 1) * seconds - wall_ns, read_ns_ + trusted_for_ns);
  if (second == local_second_) return;
  local_second_ = second;
  const time_t time = second;
  tm parts{};
  localtime_r(&time, &parts);
  local_bytes_ = std::strftime(local_, sizeof local_, "%d/%b/%Y:%H:%M:%S %z", &parts);
}

std::string_view LogClock::utc(i64 now_ns) {
  const i64 wall_ns = wall_at(now_ns);
  const i64 second = wall_ns / seconds;
  if (second != utc_second_) {
    utc_second_ = second;
    const time_t time = second;
    tm parts{};
    gmtime_r(&time, &parts);
    std::strftime(utc_, sizeof utc_, "%Y-%m-%dT%H:%M:%S.000Z", &parts);
  }
  put_three_digits(wall_ns / ms % 1000, utc_ + 20);
  return {utc_, 24};
}

}  // namespace labcoat::logs
