// What the tests of the session share: a client that says exactly the frames it is told to, and an
// owner that writes down what the session says to it.
#pragma once

#include <algorithm>
#include <gtest/gtest.h>
#include <list>
#include <map>

#include "base/check.h"
#include "base/text.h"
#include "http2/hpack_test_words.h"
#include "http2/session.h"

namespace labcoat::http2 {

inline Fields request(std::string_view path = "/") {
  return {
      {":method", "GET"}, {":scheme", "http"}, {":authority", "t"}, {":path", std::string(path)}};
}

inline std::string frame(FrameType type, u8 flags, StreamId stream, std::string_view payload = {}) {
  std::string out;
  append_frame({static_cast<u32>(payload.size()), type, flags, stream}, payload, out);
  return out;
}
inline std::string number(u32 value) {
  char bytes[4];
  write_u32(value, bytes);
  return {bytes, sizeof bytes};
}
inline std::string setting(SettingId id, u32 value) {
  std::string out;
  const Setting one{id, value};
  append_settings(&one, 1, out);
  return out;
}
inline std::string grow_window(StreamId stream, u32 increment) {
  return frame(FrameType::window_update, 0, stream, number(increment));
}

// A frame that the session wrote.
struct Said {
  FrameHead head;
  std::string payload;

  u32 number_at(size_t at) const { return read_u32(payload.data() + at); }
};

// An answer whose body is `body`; more of it may come.
class TestStream final : public Stream {
 public:
  TestStream(Session*& session, StreamId id) : Stream(id), session_(session) {}

  Fill fill(size_t room, std::string& out) override {
    const size_t count = std::min({room, body.size(), piece_max});
    out.append(body, 0, count);
    body.erase(0, count);
    if (!body.empty()) return Fill::more;
    if (broken) return Fill::broken;
    if (!ended) return Fill::pause;
    return trailers.empty() ? Fill::end : Fill::trailers;
  }
  void write_trailers() override {
    session_->begin_head();
    for (const auto& [name, value] : trailers) session_->add(name, value);
    session_->end_head(*this, /*end_stream=*/true);
  }

  std::string body;
  size_t piece_max = frame_bytes_max;
  bool ended = true;
  bool broken = false;
  Fields trailers;
  Fields heard;
  std::string heard_body;

 private:
  Session*& session_;
};

// The owner of a session; also the client's end of it.
class Peer : public SessionEvents, public FieldSink {
 public:
  explicit Peer(const Session::Options& options = {}) : session(*this, options) {}
  virtual ~Peer() = default;

  // Preface and SETTINGS, in both directions.
  void greet(std::string_view settings = {}) {
    hear(std::string(client_preface) +
         (settings.empty() ? frame(FrameType::settings, 0, 0) : std::string(settings)));
    hear(frame(FrameType::settings, frame_flag::ack, 0));
    said();
  }
  void hear(std::string_view bytes) { session.receive(bytes); }
  std::string head(StreamId id, const Fields& list, u8 flags) {
    std::string block;
    encoder.begin(block);
    for (const auto& [name, value] : list) encoder.add(block, name, value);
    return frame(FrameType::headers, flags, id, block);
  }
  // A whole request without a body, answered by nobody.
  TestStream& ask(StreamId id, const Fields& list = request()) {
    hear(head(id, list, frame_flag::end_headers | frame_flag::end_stream));
    return stream(id);
  }
  // One whose body follows.
  TestStream& upload(StreamId id) {
    hear(head(id, request(), frame_flag::end_headers));
    return stream(id);
  }
  void answer(TestStream& stream, std::string body, bool ended = true) {
    stream.body = std::move(body);
    stream.ended = ended;
    session.begin_head();
    session.add(":status", "200");
    session.end_head(stream, /*end_stream=*/false);
    session.wake(stream);
  }
  TestStream& stream(StreamId id) {
    const auto at = find(id);
    CHECK(at != streams.end());
    return *at;
  }
  bool has(StreamId id) { return find(id) != streams.end(); }

  // Everything that the session has to say, frame by frame.
  std::vector<Said> said(size_t enough = size_t{1} << 30) {
    std::string bytes;
    session.write(bytes, enough);
    std::vector<Said> all;
    for (std::string_view rest = bytes; !rest.empty();) {
      CHECK(rest.size() >= frame_head_bytes);
      const FrameHead one = read_frame_head(rest.data());
      CHECK(one.length <= frame_bytes_max && rest.size() >= frame_head_bytes + one.length);
      all.push_back({one, std::string(rest.substr(frame_head_bytes, one.length))});
      rest.remove_prefix(frame_head_bytes + one.length);
    }
    return all;
  }
  // "DATA 1 end 5; RST_STREAM 3 code 1": what it says, for people.
  std::string words(size_t enough = size_t{1} << 30) {
    std::string text;
    for (const Said& one : said(enough)) {
      if (!text.empty()) text.append("; ");
      describe(one, text);
    }
    return text;
  }

  Fields decoded(std::string_view block) {
    Listener listener;
    CHECK(decoder.decode(block, listener) == HpackDecoder::Outcome::done);
    return listener.fields;
  }

  // As the owner.
  void on_frame(const FrameHead&) override { ++frames; }
  void on_empty_data() override { ++empty_data; }
  void on_endless_head() override { ++endless_heads; }
  FieldSink& begin_fields(bool) override {
    fields.clear();
    return *this;
  }
  bool on_field(std::string_view name, std::string_view value) override {
    fields.emplace_back(name, value);
    return true;
  }
  Stream& open(StreamId id) override {
    CHECK(!has(id));
    return streams.emplace_back(self_, id);
  }
  void on_request(Stream& stream, bool end) override {
    static_cast<TestStream&>(stream).heard = fields;
    log.append(end ? "request " : "head ").append(std::to_string(stream.id())).append("; ");
  }
  bool on_data(Stream& stream, std::string_view bytes) override {
    static_cast<TestStream&>(stream).heard_body.append(bytes);
    return consumes;
  }
  bool on_trailers(Stream& stream) override {
    log.append("trailers ").append(std::to_string(stream.id())).append("; ");
    return trailers_are_good;
  }
  void on_end_of_request(Stream& stream) override {
    log.append("end ").append(std::to_string(stream.id())).append("; ");
  }
  void on_reset_heard() override { ++resets_heard; }
  void on_reset_said(ErrorCode) override { ++resets_said; }
  void on_pong() override { ++pongs; }
  void on_fault(Fault fault) override {
    constexpr std::string_view names[] = {"refused", "malformed", "framing"};
    faults.append(names[static_cast<size_t>(fault)]).append(" ");
  }
  void on_closed(Stream& stream) override {
    const auto at = find(stream.id());
    CHECK(at != streams.end());
    log.append("closed ").append(std::to_string(stream.id())).append("; ");
    streams.erase(at);
  }

  std::list<TestStream> streams;
  std::string log;  // of streams
  std::string faults;
  Fields fields;
  bool consumes = true;
  bool trailers_are_good = true;
  int frames = 0, empty_data = 0, endless_heads = 0, resets_heard = 0, resets_said = 0, pongs = 0;
  HpackEncoder encoder;
  HpackDecoder decoder;
  Session session;

 private:
  std::list<TestStream>::iterator find(StreamId id) {
    return std::find_if(streams.begin(), streams.end(),
                        [&](const TestStream& one) { return one.id() == id; });
  }
  void describe(const Said& one, std::string& text) {
    constexpr std::string_view names[] = {"DATA",          "HEADERS",      "PRIORITY", "RST_STREAM",
                                          "SETTINGS",      "PUSH_PROMISE", "PING",     "GOAWAY",
                                          "WINDOW_UPDATE", "CONTINUATION"};
    const auto type = static_cast<size_t>(one.head.type);
    CHECK(type < std::size(names));
    text.append(names[type]).append(" ");
    append_number(one.head.stream, text);
    const bool streamed = one.head.type <= FrameType::headers;
    if (!streamed && one.head.has(frame_flag::ack)) text.append(" ack");
    if (streamed && one.head.has(frame_flag::end_stream)) text.append(" end");
    switch (one.head.type) {
      case FrameType::data:
        text.append(" ");
        append_number(static_cast<i64>(one.payload.size()), text);
        break;
      case FrameType::rst_stream:
      case FrameType::window_update:
        text.append(" ");
        append_number(one.number_at(0), text);
        break;
      case FrameType::goaway:
        text.append(" last ");
        append_number(one.number_at(0), text);
        text.append(" code ");
        append_number(one.number_at(4), text);
        break;
      default:
        break;
    }
  }

  Session* self_ = &session;
};

}  // namespace labcoat::http2
