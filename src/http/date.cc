// Dates without the C library: strftime reads the locale and gmtime the time zone; neither belongs
// in a protocol.
#include "http/date.h"

#include <algorithm>
#include <cstring>

namespace labcoat::http {

namespace {

constexpr char day_names[] = "SunMonTueWedThuFriSat";
constexpr char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr std::string_view long_day_names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                               "Thursday", "Friday", "Saturday"};
constexpr int64_t day_seconds = 86400;
constexpr int64_t days_0000_to_1970 = 719528;

constexpr bool is_leap(int64_t year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

constexpr int64_t days_in_month(int64_t year, int month) {  // month 0 to 11
  constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 1 && is_leap(year) ? 29 : days[month];
}

// Days from 1 January 0000 to 1 January of the year; years before `year` divisible by 4, less
// centuries, plus their fourths.
constexpr int64_t days_before_year(int64_t year) {
  if (year == 0) return 0;
  const int64_t y = year - 1;
  return year * 365 + y / 4 - y / 100 + y / 400 + 1;  // + 1: year 0 is a leap year
}
static_assert(days_before_year(1970) == days_0000_to_1970);

void put_two(char* out, int64_t value) {
  out[0] = static_cast<char>('0' + value / 10);
  out[1] = static_cast<char>('0' + value % 10);
}

// Reads from the front of a date; every step answers whether the text had what was asked for.
class DateReader {
 public:
  explicit DateReader(std::string_view text) : text_(text) {}

  bool literal(std::string_view expected) {
    if (!text_.starts_with(expected)) return false;
    text_.remove_prefix(expected.size());
    return true;
  }
  bool number(size_t digits, int64_t& out) {
    if (text_.size() < digits) return false;
    out = 0;
    for (size_t i = 0; i < digits; ++i) {
      if (text_[i] < '0' || text_[i] > '9') return false;
      out = out * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(digits);
    return true;
  }
  // One of the three-letter names packed in `names`; case-sensitive, RFC 9110 says.
  bool name(std::string_view names, int& index) {
    if (text_.size() < 3) return false;
    for (size_t i = 0; i < names.size(); i += 3) {
      if (text_.substr(0, 3) == names.substr(i, 3)) {
        index = static_cast<int>(i / 3);
        text_.remove_prefix(3);
        return true;
      }
    }
    return false;
  }
  bool long_day() {
    for (const std::string_view day : long_day_names) {
      if (literal(day)) return true;
    }
    return false;
  }
  bool at_end() const { return text_.empty(); }

 private:
  std::string_view text_;
};

struct Moment {
  int64_t year = 0, day = 0, hour = 0, minute = 0, second = 0;
  int month = 0;  // 0 to 11
};

bool read_time(DateReader& in, Moment& m) {
  return in.number(2, m.hour) && in.literal(":") && in.number(2, m.minute) && in.literal(":") &&
         in.number(2, m.second);
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
bool read_fixdate(DateReader in, Moment& m) {
  int weekday;
  return in.name(day_names, weekday) && in.literal(", ") && in.number(2, m.day) &&
         in.literal(" ") && in.name(month_names, m.month) && in.literal(" ") &&
         in.number(4, m.year) && in.literal(" ") && read_time(in, m) && in.literal(" GMT") &&
         in.at_end();
}

// "Sunday, 06-Nov-94 08:49:37 GMT". RFC 9110 wants a two-digit year placed relative to today;
// without a clock the century turns at 70, which says the same until 2020 and is right for every
// date a file can have until 2069.
bool read_rfc850(DateReader in, Moment& m) {
  if (!(in.long_day() && in.literal(", ") && in.number(2, m.day) && in.literal("-") &&
        in.name(month_names, m.month) && in.literal("-") && in.number(2, m.year) &&
        in.literal(" ") && read_time(in, m) && in.literal(" GMT") && in.at_end())) {
    return false;
  }
  m.year += m.year >= 70 ? 1900 : 2000;
  return true;
}

// "Sun Nov  6 08:49:37 1994"
bool read_asctime(DateReader in, Moment& m) {
  int weekday;
  if (!(in.name(day_names, weekday) && in.literal(" ") && in.name(month_names, m.month) &&
        in.literal(" "))) {
    return false;
  }
  const bool day = in.literal(" ") ? in.number(1, m.day) : in.number(2, m.day);
  return day && in.literal(" ") && read_time(in, m) && in.literal(" ") && in.number(4, m.year) &&
         in.at_end();
}

}  // namespace

void write_date(int64_t epoch_s, char* out) {
  // A file system may hold any time; the form has four digits for the year.
  epoch_s = std::clamp(epoch_s, -days_0000_to_1970 * day_seconds,
                       (days_before_year(10000) - days_0000_to_1970) * day_seconds - 1);
  int64_t days = epoch_s / day_seconds;
  int64_t rest = epoch_s % day_seconds;
  if (rest < 0) {
    rest += day_seconds;
    --days;
  }
  days += days_0000_to_1970;
  // 1 January 0000 was a Saturday. 365.2425 days make a mean year; the guess is off by one at most.
  const auto weekday = static_cast<size_t>((days + 6) % 7);
  int64_t year = days * 400 / 146097;
  if (days_before_year(year) > days) --year;
  if (days_before_year(year + 1) <= days) ++year;
  int64_t day = days - days_before_year(year);
  int month = 0;
  while (day >= days_in_month(year, month)) day -= days_in_month(year, month++);

  std::memcpy(out, "Sun, 00 Jan 0000 00:00:00 GMT", date_bytes);
  std::memcpy(out, day_names + 3 * weekday, 3);
  put_two(out + 5, day + 1);
  std::memcpy(out + 8, month_names + 3 * month, 3);
  put_two(out + 12, year / 100);
  put_two(out + 14, year % 100);
  put_two(out + 17, rest / 3600);
  put_two(out + 20, rest / 60 % 60);
  put_two(out + 23, rest % 60);
}

std::optional<int64_t> parse_date(std::string_view text) {
  Moment m;
  const DateReader in(text);
  if (!read_fixdate(in, m) && !read_rfc850(in, m) && !read_asctime(in, m)) return std::nullopt;
  // 60 is a leap second; it counts as the second after.
  if (m.day < 1 || m.day > days_in_month(m.year, m.month) || m.hour > 23 || m.minute > 59 ||
      m.second > 60) {
    return std::nullopt;
  }
  int64_t days = days_before_year(m.year) - days_0000_to_1970 + m.day - 1;
  for (int month = 0; month < m.month; ++month) days += days_in_month(m.year, month);
  return days * day_seconds + m.hour * 3600 + m.minute * 60 + m.second;
}

}  // namespace labcoat::http
