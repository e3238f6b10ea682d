// The connection's life: receiving, timeouts, draining, the end.
#include "edge/http2_connection.h"

#include <cerrno>
#include <sys/epoll.h>

#include "base/check.h"

namespace labcoat::edge {
namespace {

constexpr i64 budget_window_ns = 10 * seconds;
// Reads of a scratch full before the other connections have their turn.
constexpr int reads_per_turn = 8;
// Rounds of giving turns to streams and sending what they gave.
constexpr int rounds_per_turn = 8;
// Of frames other than DATA that wait to be sent. Budgets bound how fast they become more, and a
// head stays when its client resets the stream; so who has left as much unread is not read further.
constexpr size_t pending_bytes_max = 64 * 1024;

}  // namespace

Http2Connection::Http2Connection(EdgeThread& thread, net::Transport transport,
                                 const clients::Client& client)
    : SocketConnection(thread, std::move(transport), client),
      frames_(thread.rules()->config.limits.http2_control_frames, budget_window_ns),
      resets_(thread.rules()->config.limits.http2_resets, budget_window_ns),
      streams_(PoolAllocator<Http2Stream>(thread.blocks())),
      forgotten_(PoolAllocator<Http2Stream>(thread.blocks())) {
  client_.http2 = true;
}

Http2Connection::~Http2Connection() = default;

void Http2Connection::start(std::string_view read_ahead) {
  if (!watch()) {
    close();
    return;
  }
  thread_.count().http2_connections.add();
  open_session();
  arm(Timer::head);
  session_->receive(read_ahead);
  // There may be more, whose event somebody else has had.
  come_back();
}

void Http2Connection::on_events(u32 events) {
  if ((events & EPOLLERR) != 0 || ((events & EPOLLHUP) != 0 && state_ == State::open)) {
    lost();
    return;
  }
  if ((events & (EPOLLIN | EPOLLRDHUP)) != 0) readable_ = true;
  if ((events & EPOLLRDHUP) != 0) read_to_end_ = true;
  if ((events & EPOLLOUT) != 0) {
    writable_ = true;
    if (transport_.receive_waits_for_room()) readable_ = true;
  }
  // Requests go to the workers now; what is to be sent waits for the end of the batch.
  if (state_ == State::open) read();
  come_back();
}

void Http2Connection::come_back() {
  if (state_ != State::closed && !std::exchange(coming_back_, true)) thread_.come_back(*this);
}

void Http2Connection::resume() {
  coming_back_ = false;
  if (state_ == State::open) read();
  bool more = state_ == State::open;
  for (int round = 0; more; ++round) {
    if (round == rounds_per_turn) {
      come_back();
      break;
    }
    const bool any = give_turns();
    more = flush() && turns_wanted_ && any;
  }
  if (state_ == State::open && hears()) come_back();
  forgotten_.clear();
  if (state_ == State::linger && timer_ == Timer::write && transport_.shut_our_side()) {
    readable_ = true;
    arm(Timer::linger);
  }
  if (state_ == State::linger) discard_rest();
  if (state_ != State::open) return;
  if (peer_closed_) {
    // It may still be reading what it was answered.
    transport_.say_end() ? lost() : begin_linger();
  } else if (session_->is_over() && unsent_.empty()) {
    begin_linger();
  } else {
    update_timer();
  }
}

bool Http2Connection::hears() const {
  return readable_ && !ending_ && session_->pending_bytes() < pending_bytes_max;
}

void Http2Connection::read() {
  for (int reads = 0; hears();) {
    if (reads++ == reads_per_turn) {
      come_back();
      return;
    }
    std::vector<char>& scratch = thread_.input();
    const ssize_t got = transport_.receive(scratch.data(), scratch.size());
    if (got > 0) {
      const bool emptied =
          static_cast<size_t>(got) < scratch.size() && transport_.short_read_means_empty();
      if (emptied && !read_to_end_) readable_ = false;
      thread_.count().bytes_in.add(static_cast<u64>(got));
      session_->receive({scratch.data(), static_cast<size_t>(got)});
      continue;
    }
    readable_ = false;
    // What it has sent before is answered as far as that needs nobody else.
    if (got == 0 || errno != EAGAIN) peer_closed_ = true;
  }
}

void Http2Connection::terminate(http2::ErrorCode code) {
  ending_ = true;
  session_->terminate(code);
  come_back();
}

void Http2Connection::calm(Counter& counter) {
  if (ending_) return;
  counter.add();
  terminate(http2::ErrorCode::enhance_your_calm);
}

void Http2Connection::stalled(Http2Stream& stream) {
  if (ending_) return;
  if (unsent_used_ < unsent_.size()) {
    // It is the socket that takes nothing, and the connection has its own timeout for that.
    stream.wait_on();
    return;
  }
  const i64 write_timeout = thread_.rules()->config.limits.write_timeout_ns;
  const bool others_go_on = thread_.now() - last_data_ns_ < write_timeout;
  if (others_go_on && stream.send_window() > 0) {
    // It is its turn that has not come yet.
    stream.wait_on();
    return;
  }
  thread_.count().timeout_write.add();
  // Somebody who reads his other streams may have one left in a corner; who reads none holds our
  // memory for nothing.
  if (others_go_on) {
    session_->reset(stream, http2::ErrorCode::enhance_your_calm);
  } else {
    terminate(http2::ErrorCode::enhance_your_calm);
  }
  come_back();
}

void Http2Connection::drop_slow(Http2Stream& stream) {
  if (ending_) return;
  thread_.count().limit_write_rate.add();
  session_->reset(stream, http2::ErrorCode::enhance_your_calm);
}

void Http2Connection::forget(Http2Stream& stream) {
  forgotten_.splice(forgotten_.end(), streams_, stream.place);
}

// One timeout for the connection: of the things it may wait for, the one that matters most.
void Http2Connection::update_timer() {
  if (streams_.empty()) session_->shrink();
  Timer wanted = Timer::none;
  if (unsent_.size() > unsent_used_) {
    wanted = ending_ ? Timer::linger : Timer::write;
  } else if (drain_ == Drain::noticed) {
    wanted = Timer::drain;
  } else if (session_->is_in_head() || !started_) {
    wanted = Timer::head;
  } else if (streams_.empty()) {
    wanted = Timer::idle;
  }
  const bool again = wanted == Timer::write                           ? made_progress_
                     : wanted == Timer::head || wanted == Timer::idle ? active_
                                                                      : false;
  if (wanted != timer_ || again) arm(wanted);
  active_ = made_progress_ = false;
}

void Http2Connection::arm(Timer timer) {
  timer_ = timer;
  switch (timer) {
    case Timer::none:
      disarm();
      break;
    case Timer::head:
      thread_.header_timeouts.arm(*this, thread_.now());
      break;
    case Timer::idle:
      thread_.idle_timeouts.arm(*this, thread_.now());
      break;
    case Timer::write:
      thread_.write_timeouts.arm(*this, thread_.now());
      break;
    case Timer::drain:
    case Timer::linger:
      thread_.linger_timeouts.arm(*this, thread_.now());
      break;
  }
}

void Http2Connection::on_timeout() {
  Counters& count = thread_.count();
  switch (std::exchange(timer_, Timer::none)) {
    case Timer::none:
      break;
    case Timer::head:
      calm(count.timeout_head);
      break;
    case Timer::idle:
      count.timeout_idle.add();
      terminate(http2::ErrorCode::no_error);
      break;
    case Timer::write:
      count.timeout_write.add();
      lost();
      break;
    case Timer::drain:
      say_last_stream();
      come_back();
      break;
    case Timer::linger:
      lost();
      break;
  }
}

// RFC 9113 section 6.8: first that there will be an end, then, when the client has heard of it,
// where. Requests that were under way meanwhile are answered.
void Http2Connection::drain() {
  if (state_ != State::open || drain_ != Drain::no || ending_) return;
  drain_ = Drain::noticed;
  session_->announce_end();
  for (Http2Stream& stream : streams_) stream.drain();
  come_back();
}

void Http2Connection::say_last_stream() {
  if (drain_ != Drain::noticed) return;
  drain_ = Drain::final;
  session_->take_no_more();
}

// After our side is shut: read on, so that the kernel does not answer the client's bytes with a
// reset that destroys what was sent.
void Http2Connection::begin_linger() {
  let_streams_go();
  state_ = State::linger;
  unsent_ = std::string();
  session_.reset();
  readable_ = true;
  arm(transport_.shut_our_side() ? Timer::linger : Timer::write);
  come_back();
}

void Http2Connection::discard_rest() {
  for (int reads = 0; readable_;) {
    if (reads++ == reads_per_turn) {
      come_back();
      return;
    }
    std::vector<char>& scratch = thread_.input();
    const ssize_t got = transport_.receive(scratch.data(), scratch.size());
    if (got < 0 && errno == EAGAIN) {
      readable_ = false;
      break;
    }
    if (got == 0 && timer_ == Timer::write) return;
    linger_bytes_ += std::max<ssize_t>(0, got);
    if (got <= 0 || linger_bytes_ > linger_bytes_max) {
      close();
      return;
    }
  }
}

void Http2Connection::let_streams_go() {
  Http2Streams streams(streams_.get_allocator());
  streams.swap(streams_);
  for (Http2Stream& stream : streams) stream.connection_lost();
}

void Http2Connection::lost() {
  if (state_ == State::closed) return;
  let_streams_go();
  close();
}

void Http2Connection::close() {
  if (state_ == State::closed) return;
  state_ = State::closed;
  end_connection();
}

}  // namespace labcoat::edge
