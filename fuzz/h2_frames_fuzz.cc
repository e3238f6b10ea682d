// A session of HTTP/2 between a stranger and an owner who answers: the input is both, what the one
// sends (frames that make sense, frames that do not, plain bytes) and what the other does (answers,
// pauses, resets). Whatever they are: every stream is opened and closed once and told nothing
// outside; what the session says is whole frames in a legal order, whose heads can be decoded; and
// never more DATA than the stranger's windows, as another reading of his frames has them.
#include <algorithm>
#include <deque>
#include <list>
#include <map>
#include <set>
#include <utility>

#include "base/check.h"
#include "fuzz_input.h"
#include "http2/session.h"

using namespace labcoat;
using namespace labcoat::http2;

namespace {

// Windows as the stranger's frames make them: read apart from the session, and never too small.
class Windows {
 public:
  // All that he has said, in any pieces.
  void hear(std::string_view bytes) {
    kept_.append(bytes);
    size_t at = std::exchange(past_preface_, true) ? 0 : client_preface.size();
    while (kept_.size() >= at + frame_head_bytes) {
      const FrameHead head = read_frame_head(kept_.data() + at);
      if (kept_.size() < at + frame_head_bytes + head.length) break;
      note(head, std::string_view(kept_).substr(at + frame_head_bytes, head.length));
      at += frame_head_bytes + head.length;
    }
    kept_.erase(0, at);
  }
  void spend(StreamId id, i64 bytes) {
    if (bytes == 0)
      return;  // RFC 9113 section 6.9.1: an end needs no window, not even one below zero
    CHECK((connection_ -= bytes) >= 0);
    CHECK((sent_[id] += bytes) <= initial_ + granted_[id]);
  }
  i64 data_heard() const { return data_heard_; }

 private:
  void note(const FrameHead& head, std::string_view payload) {
    if (head.type == FrameType::window_update && head.length == 4) {
      const i64 increment = read_u32(payload.data()) & 0x7fffffff;
      (head.stream == 0 ? connection_ : granted_[head.stream]) += increment;
    } else if (head.type == FrameType::settings && !head.has(frame_flag::ack)) {
      for (; payload.size() >= 6; payload.remove_prefix(6)) {
        if (read_u16(payload.data()) == 4) initial_ = read_u32(payload.data() + 2);
      }
    } else if (head.type == FrameType::data) {
      data_heard_ += head.length;
    }
  }

  std::string kept_;
  bool past_preface_ = false;
  i64 connection_ = initial_window;
  i64 initial_ = initial_window;
  i64 data_heard_ = 0;
  std::map<StreamId, i64> granted_, sent_;
};

class Answer final : public Stream {
 public:
  using Stream::Stream;
  Fill fill(size_t room, std::string& out) override {
    CHECK(!is_closed() && room > 0 && static_cast<i64>(room) <= send_window());
    const size_t count = std::min(room, left);
    out.append(count, 'x');
    left -= count;
    if (left > 0) return Fill::more;
    if (breaks) return Fill::broken;
    return !ended ? Fill::pause : trailers ? Fill::trailers : Fill::end;
  }
  void write_trailers() override;

  Session* session = nullptr;
  size_t left = 0;
  bool has_head = false, ended = false, breaks = false, trailers = false;
};

void Answer::write_trailers() {
  session->begin_head();
  session->add("x-trailer", "1");
  session->end_head(*this, /*end_stream=*/true);
}

class Owner final : public SessionEvents, public FieldSink {
 public:
  Owner() : session(*this, {.streams_max = 10, .block_bytes_max = 32768}) {}

  void hear(std::string_view bytes) {
    windows_.hear(bytes);
    session.receive(bytes);
  }
  void say(size_t enough) {
    std::string said;
    session.write(said, enough);
    while (!said.empty()) said.erase(0, check_frame(said));
    CHECK(streams_.size() == session.stream_count());
  }
  Answer* pick(u32 choice) {
    if (streams_.empty()) return nullptr;
    return &*std::next(streams_.begin(), static_cast<ptrdiff_t>(choice % streams_.size()));
  }

  // As the session's owner.
  void on_frame(const FrameHead& head) override { CHECK(head.length <= frame_bytes_max); }
  void on_empty_data() override {}
  void on_endless_head() override {}
  FieldSink& begin_fields(bool) override { return *this; }
  bool on_field(std::string_view, std::string_view) override { return true; }
  Stream& open(StreamId id) override {
    CHECK(id > last_opened_ && (id & 1) == 1);
    last_opened_ = id;
    Answer& answer = streams_.emplace_back(id);
    answer.session = &session;
    return answer;
  }
  void on_request(Stream& stream, bool end) override {
    CHECK(end == stream.has_heard_end() && !stream.is_closed());
  }
  bool on_data(Stream& stream, std::string_view bytes) override {
    CHECK(!stream.is_closed() && !stream.has_heard_end() && !bytes.empty());
    taken_ += static_cast<i64>(bytes.size());
    CHECK(taken_ <= windows_.data_heard() + frame_bytes_max);
    return (taken_ & 1) == 0;
  }
  bool on_trailers(Stream& stream) override {
    CHECK(!stream.is_closed() && !stream.has_heard_end());
    return true;
  }
  void on_end_of_request(Stream& stream) override {
    CHECK(stream.has_heard_end() && !stream.is_closed());
  }
  void on_reset_heard() override {}
  void on_reset_said(ErrorCode) override {}
  void on_pong() override { session.take_no_more(); }
  void on_fault(Fault) override {}
  void on_closed(Stream& stream) override {
    CHECK(stream.is_closed());
    const auto same = [&](const Answer& one) { return &one == &stream; };
    CHECK(streams_.remove_if(same) == 1);
  }

  Session session;

 private:
  // The frame that `said` begins with; how long it is.
  size_t check_frame(std::string_view said) {
    CHECK(!gone_ && said.size() >= frame_head_bytes);
    const FrameHead head = read_frame_head(said.data());
    CHECK(head.length <= frame_bytes_max && said.size() >= frame_head_bytes + head.length);
    const std::string_view payload = said.substr(frame_head_bytes, head.length);
    CHECK(std::exchange(greeted_, true) || head.type == FrameType::settings);
    CHECK((head.type == FrameType::continuation) == in_block_);
    switch (head.type) {
      case FrameType::headers:
      case FrameType::continuation:
        check_open(head.stream);
        block_.append(payload);
        in_block_ = !head.has(frame_flag::end_headers);
        if (!in_block_) {
          CHECK(decoder_.decode(block_, *this) == HpackDecoder::Outcome::done);
          block_.clear();
        }
        break;
      case FrameType::data:
        check_open(head.stream);
        windows_.spend(head.stream, head.length);
        break;
      case FrameType::rst_stream:
        // Once for each stream; of those that are long gone the session knows nothing any more.
        CHECK(std::find(last_resets_.begin(), last_resets_.end(), head.stream) ==
              last_resets_.end());
        last_resets_.push_back(head.stream);
        if (last_resets_.size() > Session::resets_remembered) last_resets_.pop_front();
        reset_.insert(head.stream);
        break;
      case FrameType::goaway:
        gone_ = read_u32(payload.data() + 4) != 0;
        break;
      case FrameType::window_update:
        if (head.stream == 0) given_back_ += read_u32(payload.data());
        CHECK(given_back_ <= (1 << 20) - initial_window + windows_.data_heard() + frame_bytes_max);
        break;
      default:
        CHECK(head.type == FrameType::settings || head.type == FrameType::ping);
    }
    const bool streamed = head.type == FrameType::headers || head.type == FrameType::data;
    if (streamed && head.has(frame_flag::end_stream)) CHECK(ended_.insert(head.stream).second);
    return frame_head_bytes + head.length;
  }
  void check_open(StreamId id) const {
    CHECK(id <= last_opened_ && reset_.count(id) == 0);
    CHECK(ended_.count(id) == 0 || in_block_);
  }

  Windows windows_;
  std::list<Answer> streams_;
  HpackDecoder decoder_;
  std::string block_;
  StreamId last_opened_ = 0;
  std::set<StreamId> ended_, reset_;
  std::deque<StreamId> last_resets_;
  bool greeted_ = false, in_block_ = false, gone_ = false;
  i64 taken_ = 0, given_back_ = 0;
};

// What the stranger says next, and his last stream.
std::string strange_frame(fuzz::Choices& choices, StreamId& last) {
  const u32 kind = choices.byte();
  std::string payload, out;
  const auto frame = [&](FrameType type, u8 flags, StreamId stream) {
    append_frame({static_cast<u32>(payload.size()), type, flags, stream}, payload, out);
    return out;
  };
  const StreamId some = choices.byte() % 32;
  switch (kind % 8) {
    case 0:  // a request
      payload = "\x82\x86\x84\x01\x01t";
      return frame(FrameType::headers, frame_flag::end_headers | (kind & 8 ? 1 : 0), last += 2);
    case 1:
      payload.assign(choices.number() % 20'000, 'd');
      return frame(FrameType::data, static_cast<u8>(choices.byte()), some);
    case 2: {
      const Setting setting{static_cast<SettingId>(choices.byte() % 12), choices.number()};
      append_settings(&setting, 1, out);
      return out;
    }
    case 3:
      append_window_update(kind & 8 ? 0 : some, choices.number(), out);
      return out;
    case 4:
      append_rst_stream(some, ErrorCode::cancel, out);
      return out;
    case 5:  // PRIORITY_UPDATE
      payload = std::string("\0\0\0", 3) + static_cast<char>(some) + "u=";
      payload.append(choices.piece(3));
      return frame(FrameType::priority_update, 0, 0);
    default:
      payload = choices.piece(choices.byte());
      return frame(static_cast<FrameType>(choices.byte() % 18), static_cast<u8>(choices.byte()),
                   some);
  }
}

void act(Owner& owner, fuzz::Choices& choices) {
  const u32 what = choices.byte();
  Session& session = owner.session;
  Answer* const answer = owner.pick(what >> 4);
  if (answer == nullptr) return;
  const bool closed = answer->is_closed();
  switch (what & 7) {
    case 0:
    case 1:
      if (closed || answer->ended) return;
      if (!std::exchange(answer->has_head, true)) {
        session.begin_head();
        session.add(":status", "200");
        session.add("x-size", std::to_string(choices.byte()));
        session.end_head(*answer, (what & 8) != 0);
      }
      break;
    case 2:
      if (!answer->has_head || answer->ended) return;
      answer->left += choices.number() % 100'000;
      break;
    case 3:
      answer->breaks = choices.byte() % 8 == 0;
      return;
    case 4:
      if (!answer->has_head || answer->ended || closed) return;
      answer->ended = true;
      answer->trailers = (what & 8) != 0;
      if (answer->left > 0) break;
      answer->trailers ? answer->write_trailers() : session.finish(*answer);
      return;
    case 5:
      session.reset(*answer, ErrorCode::cancel);
      return;
    case 6:
      session.prioritise(*answer, choices.piece(6));
      return;
    default:
      what & 8 ? session.announce_end() : session.shrink();
      return;
  }
  if (answer->left > 0) session.wake(*answer);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  fuzz::Choices choices(input);
  Owner owner;
  owner.hear(std::string(client_preface) + std::string("\0\0\0\4\0\0\0\0\0", 9));
  StreamId last = static_cast<StreamId>(-1);
  while (!choices.empty()) {
    const u32 turn = choices.byte();
    if (turn < 100) {
      const std::string bytes = strange_frame(choices, last);
      const fuzz::ExactBytes first(std::string_view(bytes).substr(0, turn));
      const fuzz::ExactBytes rest(std::string_view(bytes).substr(first.view().size()));
      owner.hear(first.view());
      owner.hear(rest.view());
    } else if (turn < 200) {
      act(owner, choices);
    } else if (turn < 250) {
      owner.say((turn - 200) * 1000);
    } else {
      owner.hear(choices.piece(turn - 250));
    }
  }
  owner.say(size_t{1} << 20);
  return 0;
}
