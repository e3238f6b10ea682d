// Words to numbers and back: the small languages of flags, config files and reports.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace labcoat {

// Decimal, whole string, optional leading '-'. Errors say what was read and what was expected.
Result<i64> parse_int(std::string_view text);
Result<double> parse_real(std::string_view text);
// "250ms", "10s", "5m", "1h", "100us"; a bare number means seconds. Nanoseconds, never negative.
Result<i64> parse_duration(std::string_view text);
// "64KiB", "10MB", "1GiB", "512"; bytes. K, M, G alone are powers of 1024.
Result<i64> parse_size(std::string_view text);
// on/off, true/false, yes/no, 1/0.
Result<bool> parse_bool(std::string_view text);
// "3%" or "0.03" as 0.03.
Result<double> parse_share(std::string_view text);

void append_number(i64 number, std::string& out);

// "12.3 ms", "850 us", "1.20 s", three significant digits; for people.
std::string format_duration(i64 ns);
// "12.3k", "1.20M"; for people.
std::string format_count(double value);
// "64 KiB", "1.5 GiB"; for people.
std::string format_size(i64 bytes);
// "250ms": the largest unit that divides it; parse_duration reads it back exactly.
std::string exact_duration(i64 ns);

std::vector<std::string_view> split(std::string_view text, char separator);
std::string_view trim(std::string_view text);
std::string to_lower(std::string_view text);

// The candidate with the smallest edit distance to the word, or "" when none is close enough to be
// a typo.
std::string_view nearest_word(std::string_view word, std::span<const std::string_view> candidates);

// Whole file into memory; the error names the path. `bytes_max` guards against the wrong file.
Result<std::string> read_file(const std::string& path, i64 bytes_max = i64{64} << 20);
// Written to a temporary neighbour, then renamed over the path: readers see the old file or the new
// one, never half.
Status write_file(const std::string& path, std::string_view content);

}  // namespace labcoat
