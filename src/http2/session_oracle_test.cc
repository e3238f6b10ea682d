// A session of ours and a client of nghttp2's talk in memory, cut and mixed by chance: whatever the
// order, the client finds nothing wrong, every body arrives as it was, in both directions, and
// nobody waits for ever.
#include <nghttp2/nghttp2.h>
#include <random>

#include "http2/session_test_words.h"

namespace labcoat::http2 {
namespace {

std::string body_of(StreamId id, size_t bytes) {
  std::string body(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) body[i] = static_cast<char>(i * 31 + id);
  return body;
}

// What the client knows of one of its requests.
struct Asked {
  size_t upload_bytes = 0;
  size_t uploaded = 0;
  size_t answer_bytes = 0;
  bool with_trailers = false;
  bool cancelled = false;
  bool closed = false;
  u32 code = 0;
  std::string status, body;
  std::map<std::string, std::string> fields;
};

class Client {
 public:
  explicit Client(std::mt19937& random) : random_(random) {
    nghttp2_session_callbacks* table = nullptr;
    CHECK(nghttp2_session_callbacks_new(&table) == 0);
    nghttp2_session_callbacks_set_on_header_callback(table, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table, on_chunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(table, on_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(table, on_frame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(table, on_invalid);
    CHECK(nghttp2_session_client_new(&session_, table, this) == 0);
    nghttp2_session_callbacks_del(table);
    change_settings();
  }
  ~Client() { nghttp2_session_del(session_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  size_t up_to(size_t most) { return random_() % (most + 1); }

  void ask() {
    const size_t upload_bytes = up_to(3) == 0 ? up_to(400'000) : 0;
    const size_t answer_bytes = up_to(2) == 0 ? up_to(200'000) : up_to(700);
    const bool with_trailers = up_to(4) == 0;
    const std::string path = "/" + std::to_string(answer_bytes) + (with_trailers ? "t" : "");
    const std::string length = std::to_string(upload_bytes), chance = std::to_string(up_to(20));
    const std::string priority = "u=" + std::to_string(up_to(7)) + (up_to(1) == 0 ? ", i" : "");
    std::vector<nghttp2_nv> fields;
    const auto add = [&](std::string_view name, std::string_view value) {
      const auto bytes = [](std::string_view text) {
        return const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(text.data()));
      };
      fields.push_back(
          {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    };
    add(":method", "POST");
    add(":scheme", "http");
    add(":authority", "t");
    add(":path", path);
    add("x-chance", chance);
    add("priority", priority);
    if (upload_bytes > 0 && up_to(1) == 0) add("content-length", length);
    nghttp2_data_provider body{};
    body.source.ptr = this;
    body.read_callback = read_body;
    const int32_t id = nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(),
                                              upload_bytes > 0 ? &body : nullptr, nullptr);
    CHECK(id > 0);
    Asked& asked = all[static_cast<StreamId>(id)];
    asked.upload_bytes = upload_bytes;
    asked.answer_bytes = answer_bytes;
    asked.with_trailers = with_trailers;
  }
  void cancel_one() {
    const auto at = std::find_if(all.begin(), all.end(), [&](const auto& one) {
      return !one.second.closed && !one.second.cancelled && up_to(3) == 0;
    });
    if (at == all.end()) return;
    at->second.cancelled = true;
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, static_cast<int32_t>(at->first),
                              NGHTTP2_CANCEL);
  }
  // Windows only grow: of a stream whose window it makes smaller nghttp2 (1.52) may reset what was
  // under way. session_flow_test.cc has the other direction.
  void change_settings() {
    window_ += up_to(20'000);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<u32>(window_)},
        {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, static_cast<u32>(up_to(5000))},
        {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, static_cast<u32>(16384 + up_to(100'000))},
    };
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  }
  void ping() { nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr); }

  std::string say() {
    const uint8_t* bytes = nullptr;
    const ssize_t count = nghttp2_session_mem_send(session_, &bytes);
    CHECK(count >= 0);
    return {reinterpret_cast<const char*>(bytes), static_cast<size_t>(count)};
  }
  void hear(std::string_view bytes) {
    const ssize_t used = nghttp2_session_mem_recv(
        session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    ASSERT_EQ(used, static_cast<ssize_t>(bytes.size())) << nghttp2_strerror(static_cast<int>(used));
  }
  bool has_open() const {
    return std::any_of(all.begin(), all.end(), [](const auto& one) { return !one.second.closed; });
  }

  std::map<StreamId, Asked> all;
  int goaways = 0;

 private:
  static Client& self(void* data) { return *static_cast<Client*>(data); }
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                       size_t name_bytes, const uint8_t* value, size_t value_bytes, uint8_t,
                       void* data) {
    Asked& asked = self(data).all[static_cast<StreamId>(frame->hd.stream_id)];
    asked.fields[{reinterpret_cast<const char*>(name), name_bytes}] =
        std::string(reinterpret_cast<const char*>(value), value_bytes);
    return 0;
  }
  static int on_chunk(nghttp2_session*, uint8_t, int32_t id, const uint8_t* bytes, size_t count,
                      void* data) {
    self(data).all[static_cast<StreamId>(id)].body.append(reinterpret_cast<const char*>(bytes),
                                                          count);
    return 0;
  }
  static int on_close(nghttp2_session*, int32_t id, uint32_t code, void* data) {
    Asked& asked = self(data).all[static_cast<StreamId>(id)];
    asked.closed = true;
    asked.code = code;
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    if (frame->hd.type == NGHTTP2_GOAWAY) ++self(data).goaways;
    return 0;
  }
  static int on_invalid(nghttp2_session*, const nghttp2_frame* frame, int code, void*) {
    ADD_FAILURE() << "a frame of type " << int{frame->hd.type} << ": " << nghttp2_strerror(code);
    return 0;
  }
  static ssize_t read_body(nghttp2_session*, int32_t id, uint8_t* out, size_t room, uint32_t* flags,
                           nghttp2_data_source*, void* data) {
    Asked& asked = self(data).all[static_cast<StreamId>(id)];
    const size_t count = std::min(room, asked.upload_bytes - asked.uploaded);
    const std::string body = body_of(static_cast<StreamId>(id), asked.upload_bytes);
    std::copy_n(body.data() + asked.uploaded, count, out);
    asked.uploaded += count;
    if (asked.uploaded == asked.upload_bytes) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(count);
  }

  std::mt19937& random_;
  size_t window_ = 1000;
  nghttp2_session* session_ = nullptr;
};

// Answers every request when it is whole, in pieces, with the length that its path asks for.
class Answering final : public Peer {
 public:
  explicit Answering(std::mt19937& random) : random_(random) {}

  void on_request(Stream& stream, bool end) override {
    Peer::on_request(stream, end);
    for (const auto& [name, value] : fields) {
      if (name == "content-length") stream.expect_body(std::stoll(value));
      if (name == "priority") session.prioritise(stream, value);
    }
    if (end) begin(stream);
  }
  void on_end_of_request(Stream& stream) override { begin(stream); }

  // More of the answers that are not complete, by chance.
  void go_on() {
    for (TestStream& one : streams) {
      if (one.ended || one.is_closed() || unwritten_.count(one.id()) == 0) continue;
      std::string& rest = unwritten_[one.id()];
      const size_t count = std::min<size_t>(rest.size(), random_() % 30'000);
      one.body.append(rest, 0, count);
      rest.erase(0, count);
      if (!rest.empty()) {
        if (count > 0) session.wake(one);
        continue;
      }
      one.ended = true;
      if (!one.body.empty()) {
        session.wake(one);
      } else if (one.trailers.empty()) {
        session.finish(one);
      } else {
        one.write_trailers();
      }
    }
  }

 private:
  void begin(Stream& any) {
    auto& one = static_cast<TestStream&>(any);
    const std::string& path = one.heard[3].second;
    one.ended = false;
    if (path.ends_with('t')) one.trailers = {{"x-trailer", path}};
    unwritten_[one.id()] = body_of(one.id(), static_cast<size_t>(std::stoul(path.substr(1))));
    session.begin_head();
    session.add(":status", "200");
    session.add("x-heard", std::to_string(one.heard_body.size()));
    session.add("x-sum",
                one.heard_body == body_of(one.id(), one.heard_body.size()) ? "right" : "wrong",
                Indexing::never);
    session.end_head(one, /*end_stream=*/false);
  }

  std::mt19937& random_;
  std::map<StreamId, std::string> unwritten_;
};

void talk(std::mt19937& random, int requests) {
  Client client(random);
  Answering server(random);
  std::string to_server, to_client;
  for (int idle = 0; requests > 0 || client.has_open();) {
    ASSERT_LT(++idle, 200'000) << "somebody waits for ever";
    if (requests > 0 && client.up_to(3) == 0 && client.all.size() < server.streams.size() + 1000) {
      client.ask();
      --requests;
    }
    if (client.up_to(40) == 0) client.cancel_one();
    if (client.up_to(60) == 0) client.change_settings();
    if (client.up_to(30) == 0) client.ping();
    to_server.append(client.say());
    const size_t heard = std::min(to_server.size(), client.up_to(40'000));
    server.hear(std::string_view(to_server).substr(0, heard));
    to_server.erase(0, heard);
    server.go_on();
    std::string said;
    server.session.write(said, client.up_to(60'000));
    to_client.append(said);
    const size_t told = std::min(to_client.size(), client.up_to(50'000));
    client.hear(std::string_view(to_client).substr(0, told));
    if (testing::Test::HasFatalFailure()) return;
    to_client.erase(0, told);
  }
  EXPECT_EQ(client.goaways, 0);
  for (const auto& [id, asked] : client.all) {
    SCOPED_TRACE(id);
    if (asked.cancelled) continue;
    // More than a hundred at once are refused; these may be asked again.
    if (asked.code == NGHTTP2_REFUSED_STREAM) continue;
    EXPECT_EQ(asked.code, u32{NGHTTP2_NO_ERROR});
    EXPECT_EQ(asked.body.size(), asked.answer_bytes);
    EXPECT_TRUE(asked.body == body_of(id, asked.answer_bytes));  // too long to be printed
    EXPECT_EQ(asked.fields.at(":status"), "200");
    EXPECT_EQ(asked.fields.at("x-heard"), std::to_string(asked.upload_bytes));
    EXPECT_EQ(asked.fields.at("x-sum"), "right");
    EXPECT_EQ(asked.fields.count("x-trailer"), asked.with_trailers ? 1u : 0u);
  }
  EXPECT_EQ(server.faults.find("framing"), std::string::npos) << server.faults;
  EXPECT_EQ(server.faults.find("malformed"), std::string::npos) << server.faults;
}

TEST(SessionOracle, NghttpsClientFindsNothingWrong) {
  for (int round = 0; round < 3; ++round) {
    const unsigned seed = std::random_device()();
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    talk(random, 60);
  }
}

}  // namespace
}  // namespace labcoat::http2
