// What the session (nghttp2) tells the connection, and what the connection makes of it: streams
// begin, take their requests, and end; and everything a client may do that is no work is counted.
#include "base/check.h"
#include "edge/http2_connection.h"
#include "edge/http2_memory.h"

namespace labcoat::edge {
namespace {

// Bytes are stored as they arrive, so that windows bound only what is under way.
constexpr u32 stream_window_bytes = 256 * 1024;
constexpr StreamId connection_window_bytes = 1024 * 1024;
// CONTINUATION frames of one head: request_header_bytes fit into three of the usual size.
constexpr size_t continuations_max = 8;
// Answers to PING and SETTINGS that a client does not read.
constexpr size_t unread_answers_max = 1000;
constexpr size_t response_head_bytes_max = 1024 * 1024;
// A head is read on beyond the limit, so that it can be answered 431; up to here.
constexpr size_t head_overdraft = 4;
// What a request earns: its HEADERS, a priority, a cancellation, a window or two.
constexpr int earned_by_request = 5;
// And a DATA frame: updates of its two windows.
constexpr int earned_by_data = 2;

const char* as_text(const uint8_t* bytes) {
  return reinterpret_cast<const char*>(bytes);
}

}  // namespace

// The library's callbacks, as a table that all sessions share.
struct Http2Callbacks {
  static Http2Connection& self(void* data) { return *static_cast<Http2Connection*>(data); }

  static int begin_frame(nghttp2_session*, const nghttp2_frame_hd* frame, void* data) {
    self(data).on_begin_frame(*frame);
    return 0;
  }
  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    return self(data).on_begin_headers(*frame);
  }
  static int header(nghttp2_session*, const nghttp2_frame*, const uint8_t* name, size_t name_bytes,
                    const uint8_t* value, size_t value_bytes, uint8_t, void* data) {
    self(data).on_header({as_text(name), name_bytes}, {as_text(value), value_bytes});
    return 0;
  }
  // A field that the library finds malformed. Without a word it would drop it, and the request go
  // on.
  static int invalid_header(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t*,
                            size_t, const uint8_t*, size_t, uint8_t, void*) {
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                              NGHTTP2_PROTOCOL_ERROR);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  static int frame(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    self(data).on_frame(*frame);
    return 0;
  }
  static int data_chunk(nghttp2_session*, uint8_t, int32_t stream, const uint8_t* bytes,
                        size_t length, void* data) {
    self(data).on_data(stream, {as_text(bytes), length});
    return 0;
  }
  static int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    self(data).on_frame_sent(*frame);
    return 0;
  }
  static int frame_not_sent(nghttp2_session* session, const nghttp2_frame* frame, int, void*) {
    // A head that does not fit, for one; without it the client would wait for ever.
    if (frame->hd.type == NGHTTP2_HEADERS) {
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                NGHTTP2_INTERNAL_ERROR);
    }
    return 0;
  }
  static int invalid_frame(nghttp2_session*, const nghttp2_frame*, int error, void* data) {
    self(data).on_invalid_frame(error);
    return 0;
  }
  static int stream_close(nghttp2_session*, int32_t stream, uint32_t, void* data) {
    self(data).on_stream_close(stream);
    return 0;
  }
  // Frames that nobody knows are asked for only to be counted (on_begin_frame).
  static int unpack_extension(nghttp2_session*, void**, const nghttp2_frame_hd*, void*) {
    return NGHTTP2_ERR_CANCEL;
  }
  static int send_data(nghttp2_session*, nghttp2_frame*, const uint8_t* head, size_t length,
                       nghttp2_data_source* source, void* data) {
    auto* const stream = static_cast<Http2Stream*>(source->ptr);
    return self(data).append_data_frame(*stream, {as_text(head), 9}, length);
  }

  static nghttp2_session_callbacks* create() {
    nghttp2_session_callbacks* table = nullptr;
    CHECK(nghttp2_session_callbacks_new(&table) == 0);
    nghttp2_session_callbacks_set_on_begin_frame_callback(table, begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(table, begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(table, header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(table, invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(table, frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table, data_chunk);
    nghttp2_session_callbacks_set_on_frame_send_callback(table, frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(table, frame_not_sent);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(table, invalid_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(table, stream_close);
    nghttp2_session_callbacks_set_unpack_extension_callback(table, unpack_extension);
    nghttp2_session_callbacks_set_send_data_callback(table, send_data);
    return table;
  }
};

namespace {

nghttp2_option* create_options() {
  nghttp2_option* options = nullptr;
  CHECK(nghttp2_option_new(&options) == 0);
  nghttp2_option_set_no_auto_window_update(options, 1);
  nghttp2_option_set_no_closed_streams(options, 1);
  nghttp2_option_set_max_outbound_ack(options, unread_answers_max);
  nghttp2_option_set_max_continuations(options, continuations_max);
  nghttp2_option_set_max_send_header_block_length(options, response_head_bytes_max);
  for (int type = NGHTTP2_ALTSVC; type <= 0xff; ++type) {
    if (type == NGHTTP2_PRIORITY_UPDATE) continue;
    nghttp2_option_set_user_recv_extension_type(options, static_cast<uint8_t>(type));
  }
  nghttp2_option_set_builtin_recv_extension_type(options, NGHTTP2_PRIORITY_UPDATE);
  // Resets are counted here (limits.http2_resets), in the same way as what provokes them.
  nghttp2_option_set_stream_reset_rate_limit(options, u64{1} << 40, u64{1} << 40);
  return options;
}

}  // namespace

void Http2Connection::open_session() {
  // Constant, and the same for every session of every thread.
  static nghttp2_session_callbacks* const callbacks = Http2Callbacks::create();
  static nghttp2_option* const options = create_options();
  nghttp2_session* session = nullptr;
  nghttp2_mem memory = Http2Memory::of(thread_.blocks());
  CHECK(nghttp2_session_server_new3(&session, callbacks, this, options, &memory) == 0);
  session_.reset(session);
  const config::Limits& limits = thread_.rules()->config.limits;
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, static_cast<u32>(limits.http2_streams)},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, stream_window_bytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<u32>(limits.request_header_bytes)},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
      {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
  };
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, connection_window_bytes);
}

Http2Stream* Http2Connection::find(StreamId stream) const {
  return static_cast<Http2Stream*>(nghttp2_session_get_stream_user_data(session_.get(), stream));
}

void Http2Connection::spend(Http2Budget& budget, Counter& counter) {
  if (!budget.spend(thread_.now())) calm(counter);
}

// Everything a client sends has to be paid, but bodies: they are what the connection is for.
void Http2Connection::on_begin_frame(const nghttp2_frame_hd& frame) {
  started_ = true;
  if (frame.type != NGHTTP2_CONTINUATION) head_open_ = false;
  const bool body = frame.type == NGHTTP2_DATA &&
                    (frame.length > 0 || (frame.flags & NGHTTP2_FLAG_END_STREAM) != 0) &&
                    find(frame.stream_id) != nullptr;
  if (!body) spend(frames_, thread_.count().limit_http2_control_frames);
}

int Http2Connection::on_begin_headers(const nghttp2_frame& frame) {
  if (ending_) return 0;
  head_.begin();
  active_ = head_open_ = true;
  head_stream_ = frame.hd.stream_id;
  head_began_ns_ = thread_.now();
  if (frame.headers.cat != NGHTTP2_HCAT_REQUEST) return 0;  // trailers
  streams_.emplace_back(*this, thread_, client_, frame.hd.stream_id);
  Http2Stream& stream = streams_.back();
  stream.place = std::prev(streams_.end());
  nghttp2_session_set_stream_user_data(session_.get(), frame.hd.stream_id, &stream);
  return 0;
}

void Http2Connection::on_header(std::string_view name, std::string_view value) {
  if (ending_) return;
  const http::RequestLimits& limits = thread_.shared().request_limits;
  head_.add(name, value, limits);
  // HPACK makes a short frame a long head, and a byte a field of four thousand.
  if (head_.list_bytes() > head_overdraft * limits.header_bytes_max) {
    calm(thread_.count().limit_http2_head);
  }
}

void Http2Connection::on_frame(const nghttp2_frame& frame) {
  if (ending_) return;
  const bool end_of_request = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame.hd.type) {
    case NGHTTP2_HEADERS: {
      head_open_ = false;
      Http2Stream* const stream = find(frame.hd.stream_id);
      if (stream == nullptr) break;
      if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
        frames_.earn(earned_by_request);
        stream->take_head(head_, end_of_request, head_began_ns_);
      } else if (end_of_request) {
        stream->end_of_request();
      }
      head_.shrink();
      break;
    }
    case NGHTTP2_DATA:
      if (!end_of_request) {
        // Padding alone is no body.
        if (frame.hd.length <= frame.data.padlen) {
          spend(frames_, thread_.count().limit_http2_control_frames);
        }
        break;
      }
      if (Http2Stream* const stream = find(frame.hd.stream_id)) stream->end_of_request();
      break;
    case NGHTTP2_RST_STREAM:
      spend(resets_, thread_.count().limit_http2_resets);
      break;
    case NGHTTP2_PING:
      if ((frame.hd.flags & NGHTTP2_FLAG_ACK) != 0) say_last_stream();
      break;
    default:
      break;
  }
}

void Http2Connection::on_invalid_frame(int error) {
  Counters& count = thread_.count();
  if (error == NGHTTP2_ERR_REFUSED_STREAM) {
    count.limit_http2_streams.add();
  } else if (error == NGHTTP2_ERR_HTTP_HEADER || error == NGHTTP2_ERR_HTTP_MESSAGING) {
    count.bad_requests.add();
  } else {
    count.http2_errors.add();
  }
}

void Http2Connection::on_data(StreamId id, std::string_view bytes) {
  if (ending_) return;
  Http2Stream* const stream = find(id);
  // The windows open again as the bytes are stored; that of a stream only while they are wanted.
  if (stream != nullptr && stream->take_data(bytes)) {
    nghttp2_session_consume(session_.get(), id, bytes.size());
  } else {
    nghttp2_session_consume_connection(session_.get(), bytes.size());
  }
}

void Http2Connection::on_frame_sent(const nghttp2_frame& frame) {
  const bool ends = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame.hd.type) {
    case NGHTTP2_DATA:
      last_data_ns_ = thread_.now();
      frames_.earn(earned_by_data);
      [[fallthrough]];
    case NGHTTP2_HEADERS: {
      Http2Stream* const stream = ends ? find(frame.hd.stream_id) : nullptr;
      if (stream == nullptr || !stream->end_sent()) break;
      // RFC 9113 section 8.1: the answer is complete, the rest of the request is not needed.
      nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, frame.hd.stream_id,
                                NGHTTP2_NO_ERROR);
      break;
    }
    case NGHTTP2_RST_STREAM: {
      // Whoever makes us reset its streams resets them.
      const u32 code = frame.rst_stream.error_code;
      const bool provoked = code != NGHTTP2_NO_ERROR && code != NGHTTP2_INTERNAL_ERROR;
      if (provoked) spend(resets_, thread_.count().limit_http2_resets);
      break;
    }
    default:
      break;
  }
}

void Http2Connection::on_stream_close(StreamId id) {
  if (id == head_stream_) head_open_ = false;
  Http2Stream* const stream = find(id);
  if (stream == nullptr) return;
  // The session forgets its own stream right after this call.
  if (stream->closed()) streams_.erase(stream->place);
}

void Http2Connection::reset_malformed(Http2Stream& stream) {
  thread_.count().bad_requests.add();
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream.id(), NGHTTP2_PROTOCOL_ERROR);
}

}  // namespace labcoat::edge
