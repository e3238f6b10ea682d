#include "bench/response_reader.h"

#include "http/status.h"

namespace labcoat::bench {

void ResponseReader::start(bool to_head_request) {
  state_ = State::head;
  to_head_request_ = to_head_request;
  partial_.clear();
}

ResponseReader::Step ResponseReader::settle(State state) {
  state_ = state;
  if (state == State::done) return Step::done;
  return state == State::bad ? Step::bad : Step::need_more;
}

// RFC 9112 section 6.3.
ResponseReader::State ResponseReader::body_state(const http::ResponseHead& head) const {
  if (to_head_request_ || http::forbids_body(head.status)) return State::done;
  if (head.chunked) return State::chunked;
  if (head.content_length == 0) return State::done;
  return head.content_length > 0 ? State::length : State::until_close;
}

ResponseReader::Step ResponseReader::feed(std::string_view bytes, HeadMemory& memory) {
  if (state_ == State::head) return feed_head(bytes, memory);
  return feed_body(bytes);
}

ResponseReader::Step ResponseReader::feed_head(std::string_view bytes, HeadMemory& memory) {
  size_t used = memory.bytes.size();
  const bool seen_before = partial_.empty() && used > 0 && bytes.starts_with(memory.bytes);
  if (!seen_before) {
    std::string_view all = bytes;
    if (!partial_.empty()) all = partial_.append(bytes);
    memory.head = {};
    switch (http::parse_response(all, memory.head, used)) {
      case http::Parsed::bad:
        memory.bytes.clear();
        return settle(State::bad);
      case http::Parsed::need_more:
        memory.bytes.clear();
        if (all.size() > response_head_bytes_max) return settle(State::bad);
        if (partial_.empty()) partial_ = bytes;
        return Step::need_more;
      case http::Parsed::done:
        memory.bytes.assign(all.substr(0, used));
        // Only what belongs to the body is still of interest, and it lies at the end of what
        // arrived last.
        used -= all.size() - bytes.size();
        partial_.clear();
    }
  }
  const http::ResponseHead& head = memory.head;
  bytes.remove_prefix(used);
  // An interim answer (RFC 9110 section 15.2) goes before the real one. 101 would be an upgrade
  // nobody asked for.
  if (head.status < 200) {
    if (head.status == 101) return settle(State::bad);
    memory.bytes.clear();
    return bytes.empty() ? Step::need_more : feed_head(bytes, memory);
  }
  status_ = head.status;
  keep_alive_ = head.keep_alive;
  remaining_ = head.content_length > 0 ? static_cast<uint64_t>(head.content_length) : 0;
  state_ = body_state(head);
  if (state_ == State::chunked) chunks_ = http::ChunkedDecoder();
  if (state_ == State::until_close) keep_alive_ = false;
  return feed_body(bytes);
}

ResponseReader::Step ResponseReader::feed_body(std::string_view bytes) {
  switch (state_) {
    case State::length:
      if (bytes.size() > remaining_) return settle(State::bad);
      remaining_ -= bytes.size();
      return remaining_ == 0 ? settle(State::done) : Step::need_more;
    case State::chunked:
      return feed_chunks(bytes);
    case State::until_close:
      return Step::need_more;
    case State::done:
      return bytes.empty() ? Step::done : settle(State::bad);
    case State::head:
    case State::bad:
      break;
  }
  return settle(State::bad);
}

ResponseReader::Step ResponseReader::feed_chunks(std::string_view bytes) {
  while (!bytes.empty()) {
    const http::ChunkedDecoder::Outcome outcome = chunks_.next(bytes);
    bytes.remove_prefix(outcome.consumed);
    using Chunk = http::ChunkedDecoder::Step;
    if (outcome.step == Chunk::bad) return settle(State::bad);
    if (outcome.step == Chunk::done) return settle(bytes.empty() ? State::done : State::bad);
    if (outcome.step == Chunk::need_more) return Step::need_more;
  }
  return Step::need_more;
}

ResponseReader::Step ResponseReader::end() const {
  return state_ == State::until_close ? Step::done : Step::bad;
}

}  // namespace labcoat::bench
