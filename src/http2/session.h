// Session: the server's side of one HTTP/2 connection (RFC 9113): frames and what they do to
// streams, windows, settings and header tables. Bytes of the client go in, what they mean goes to
// SessionEvents, frames for the client come out when somebody has room for them: DATA is asked for
// at the last moment, so that priorities (RFC 9218) count until then. Pure: no socket, no clock.
// What a client may cost is its owner's to count; what would make the session itself grow is
// bounded here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http2/hpack_decoder.h"
#include "http2/hpack_encoder.h"
#include "http2/send_queue.h"
#include "http2/session_events.h"
#include "http2/stream_table.h"

namespace labcoat::http2 {

// What a client that knows beforehand sends first, RFC 9113 section 3.4.
constexpr std::string_view client_preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

class Session {
 public:
  // What we take of a client before we have dealt with any of it. Bytes are stored as they arrive,
  // so that windows bound only what is under way.
  static constexpr u32 stream_receive_bytes = 256 * 1024;
  static constexpr u32 connection_receive_bytes = 1024 * 1024;

  // Streams that we have reset and that the client may not have heard of yet; frames for those are
  // passed over, for older ones answered by a RST_STREAM once more.
  static constexpr size_t resets_remembered = 128;

  struct Options {
    u32 streams_max = 100;         // at once; beyond that REFUSED_STREAM
    u32 header_bytes_max = 32768;  // of a list of fields; what the client is told, the owner counts
    size_t block_bytes_max = 131072;  // of an encoded head in several frames
  };
  // `events` outlives it.
  Session(SessionEvents& events, const Options& options);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Bytes of the client, the preface first. All are used; after an error they are ignored.
  void receive(std::string_view bytes);
  // Appends frames until there are `enough` bytes in `out`, or nothing is to be said.
  void write(std::string& out, size_t enough);
  // Frames other than DATA that wait for write(). Who reads on without writing lets them grow.
  size_t pending_bytes() const { return pending_.size(); }
  // Nothing will be read or written any more.
  bool is_over() const;
  // Gives back memory that a busy time has left.
  void shrink();

  // A head, or trailers: begin_head, add for each field, end_head; on a stream that is not closed.
  // Names are in lower case. With end_stream nothing follows; a head without is followed by others
  // (1xx), by wake() or by finish().
  void begin_head();
  void add(std::string_view name, std::string_view value, Indexing indexing = Indexing::yes) {
    encoder_.add(pending_, name, value, indexing);
  }
  void end_head(Stream& stream, bool end_stream);
  // Its fill() has something again. On a closed stream nothing happens.
  void wake(Stream& stream);
  // The answer ends, and fill() has no bytes of it any more. On a closed stream nothing happens.
  void finish(Stream& stream);
  // On a closed stream nothing happens.
  void reset(Stream& stream, ErrorCode code);
  // So many bytes of its body, for which on_data was false, have been dealt with.
  void consume(Stream& stream, size_t bytes);
  // What the head of its request says in `priority`.
  void prioritise(Stream& stream, std::string_view field);

  // GOAWAY, and nothing else any more.
  void terminate(ErrorCode code);
  // RFC 9113 section 6.8: that there will be an end; on_pong follows when the client has heard of
  // it.
  void announce_end();
  // What has come so far is answered, further requests are not.
  void take_no_more();

  size_t stream_count() const { return streams_.size(); }
  // The client has begun with a head and not come to its end.
  bool is_in_head() const {
    return block_.open ||
           (admitted_ && !kept_.empty() && static_cast<FrameType>(kept_[3]) == FrameType::headers);
  }

 private:
  // session_receive.cc
  void take_preface(std::string_view& bytes);
  size_t take_frame(std::string_view bytes);
  bool admit(const FrameHead& head);
  ErrorCode why_unfit(const FrameHead& head) const;
  void dispatch(const FrameHead& head, std::string_view payload);
  void begin_data(const FrameHead& head, size_t padding);
  void take_data(std::string_view& bytes);
  void end_data();
  void end_of_request(Stream& stream);
  void return_window(size_t bytes);

  // session_head.cc
  void on_headers(const FrameHead& head, std::string_view payload);
  void on_continuation(const FrameHead& head, std::string_view payload);
  void on_block(std::string_view block);
  void begin_request(std::string_view block);
  void take_trailers(Stream& stream, std::string_view block);
  bool decode(std::string_view block, FieldSink& sink);

  // session_control.cc
  void on_settings(const FrameHead& head, std::string_view payload);
  bool apply(Setting setting);
  bool shift_windows(i64 by);
  void on_rst_stream(StreamId id);
  void on_priority(StreamId id, std::string_view payload);
  void on_priority_update(std::string_view payload);
  void change_priority(Stream& stream, const Priority& priority);
  void on_ping(const FrameHead& head, std::string_view payload);
  void on_window_update(StreamId id, std::string_view payload);

  bool is_idle(StreamId id) const { return id > last_stream_ || (id & 1) == 0; }
  void fail(ErrorCode code);  // ends the connection
  void reset_id(StreamId id, ErrorCode code);
  bool was_reset(StreamId id) const;
  void fault(Stream& stream, ErrorCode code, Fault fault);
  void enqueue(Stream& stream);
  void write_data(Stream& stream, std::string& out);
  void say_end(Stream& stream);
  void close(Stream& stream);
  void bury();

  // RFC 9218 section 7.1: for a request that is still to come.
  struct EarlyPriority {
    StreamId id;
    Priority priority;
  };
  // A header block on its way.
  struct Block {
    FrameHead head;
    bool open = false;
    bool depends_on_itself = false;
    u32 continuations = 0;
    std::string bytes;  // of those in several frames
  };
  // A DATA frame on its way.
  struct Data {
    FrameHead head;
    bool open = false;
    bool brought_nothing = true;
    size_t left = 0;
    size_t padding_left = 0;
  };

  SessionEvents& events_;
  const Options options_;
  size_t preface_left_ = client_preface.size();
  bool heard_settings_ = false;
  bool heard_settings_ack_ = false;
  bool heard_goaway_ = false;
  bool ending_ = false;
  bool takes_no_more_ = false;
  bool admitted_ = false;             // the head of the frame in kept_
  bool skipped_ids_ = false;          // of streams; those were never opened
  StreamId last_stream_ = 0;          // of the client
  StreamId last_taken_ = 0;           // of those, that we have dealt with
  size_t wanted_ = frame_head_bytes;  // of a cut frame, to go on with it
  std::string kept_;                  // a frame that was cut
  Block block_;
  Data data_;
  std::string pending_;
  size_t head_at_ = 0;    // in pending_: a head that is being written
  size_t last_word_ = 0;  // in pending_: the end of the GOAWAY that ends everything
  // Streams that we have closed and that to the client are still open: else requests for answers
  // without a body, as many as come in one piece, would all have their heads in pending_.
  size_t ends_pending_ = 0;
  i64 stream_window_ = initial_window;  // SETTINGS_INITIAL_WINDOW_SIZE of the client
  SendWindow send_window_;
  ReceiveWindow receive_window_;
  u32 no_priorities_ = 2;  // SETTINGS_NO_RFC7540_PRIORITIES of the client; 2: not said
  HpackDecoder decoder_;
  HpackEncoder encoder_;
  StreamTable streams_;
  SendQueue queue_;
  Stream* closed_first_ = nullptr;  // to be buried
  Stream* closed_last_ = nullptr;
  std::vector<StreamId> resets_;  // the last ones of ours, a ring
  size_t resets_at_ = 0;
  std::vector<EarlyPriority> early_priorities_;
};

}  // namespace labcoat::http2
