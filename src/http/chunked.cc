#include "http/chunked.h"

#include <algorithm>
#include <limits>

#include "http/ascii.h"
#include "http/scan.h"

namespace labcoat::http {

namespace {

// -1: not a digit.
int digit_value(char c) {
  return is_class(c, byte_class::hex) ? hex_value(c) : -1;
}

}  // namespace

ChunkedDecoder::Outcome ChunkedDecoder::next(std::string_view input) {
  size_t used = 0;
  while (state_ < State::finished) {
    if (used == input.size()) return {Step::need_more, used, {}};
    if (state_ == State::payload) {
      const size_t size = static_cast<size_t>(std::min<uint64_t>(remaining_, input.size() - used));
      remaining_ -= size;
      if (remaining_ == 0) state_ = State::payload_cr;
      return {Step::data, used + size, input.substr(used, size)};
    }
    state_ = after(input[used++]);
  }
  if (state_ == State::finished) return {Step::done, used, {}};
  return {Step::bad, used, {}};
}

// The framing between payloads, byte by byte: it is a small share of any body that is in a hurry.
ChunkedDecoder::State ChunkedDecoder::after(char c) {
  switch (state_) {
    case State::size_first:
    case State::size:
    case State::size_space:
    case State::extension:
    case State::size_lf:
      return after_in_size_line(c);
    case State::payload_cr:
      return c == '\r' ? State::payload_lf : State::failed;
    case State::payload_lf:
      return c == '\n' ? State::size_first : State::failed;
    default:
      return after_in_trailer(c);
  }
}

// chunk-size [ chunk-ext ] CRLF. Extensions are passed over, so of their grammar only what could
// hide a line end matters.
ChunkedDecoder::State ChunkedDecoder::after_in_size_line(char c) {
  if (++line_bytes_ > limits_.line_bytes_max) return State::failed;
  if (state_ == State::size_lf) {
    line_bytes_ = 0;
    if (c != '\n') return State::failed;
    return remaining_ == 0 ? State::trailer_start : State::payload;
  }
  if (state_ == State::extension) {
    if (c == '\r') return State::size_lf;
    return is_class(c, byte_class::control) ? State::failed : State::extension;
  }
  const int digit = digit_value(c);
  if (digit >= 0 && state_ != State::size_space) {
    // The body's length must fit 63 bits like a Content-Length.
    constexpr uint64_t max = std::numeric_limits<int64_t>::max();
    if (remaining_ > (max >> 4)) return State::failed;
    remaining_ = remaining_ << 4 | static_cast<uint64_t>(digit);
    return State::size;
  }
  if (state_ == State::size_first) return State::failed;
  if (c == ';') return State::extension;
  // RFC 9112 section 7.1.1 allows bad whitespace, but only in front of an extension.
  if (c == ' ' || c == '\t') return State::size_space;
  return c == '\r' && state_ == State::size ? State::size_lf : State::failed;
}

// Field lines up to an empty one; checked as strictly as a head, then dropped.
ChunkedDecoder::State ChunkedDecoder::after_in_trailer(char c) {
  if (++trailer_bytes_ > limits_.trailer_bytes_max) return State::failed;
  switch (state_) {
    case State::trailer_start:
      if (c == '\r') return State::final_lf;
      return is_class(c, byte_class::token) ? State::trailer_name : State::failed;
    case State::trailer_name:
      if (c == ':') return State::trailer;
      return is_class(c, byte_class::token) ? State::trailer_name : State::failed;
    case State::trailer:
      if (c == '\r') return State::trailer_lf;
      return is_class(c, byte_class::control) ? State::failed : State::trailer;
    case State::trailer_lf:
      return c == '\n' ? State::trailer_start : State::failed;
    default:  // final_lf
      return c == '\n' ? State::finished : State::failed;
  }
}

}  // namespace labcoat::http
