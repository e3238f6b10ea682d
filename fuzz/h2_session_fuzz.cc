// An HTTP/2 connection with a stranger: the bytes of the input come behind the preface, on a real
// socket, into a real edge thread whose listener answers with its own pages. Whatever they are: the
// connection ends and leaves nothing behind, what it says is well-formed frames (SETTINGS first),
// and the pages are only asked for normalised paths.
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "clients/client_limits.h"
#include "edge/counters.h"
#include "edge/edge_thread.h"
#include "edge/http2_connection.h"

using namespace labcoat;
using namespace labcoat::edge;

namespace {

constexpr size_t input_bytes_max = 64 * 1024;  // fits into the socket, so that nothing waits
constexpr size_t frame_head_bytes = 9;
constexpr size_t frame_bytes_max = 16384;
constexpr char settings_type = 4;

class Pages final : public AdminPages {
 public:
  Page answer(std::string_view path) const override {
    CHECK(path.starts_with('/') && path.find("/../") == path.npos && !path.ends_with("/.."));
    CHECK(path.find('\0') == path.npos);
    if (path == "/large") return {200, "text/plain", std::string(100'000, 'x')};
    return {200, "text/plain", std::string(path)};
  }
};

config::Config short_tempered() {
  config::Config config;
  config::Limits& limits = config.limits;
  for (i64* timeout : {&limits.header_timeout_ns, &limits.body_timeout_ns, &limits.idle_timeout_ns,
                       &limits.write_timeout_ns, &limits.queue_wait_ns}) {
    *timeout = ms;
  }
  limits.body_memory_bytes = 1024;
  limits.http2_streams = 10;
  limits.http2_control_frames = 100;
  limits.http2_resets = 20;
  return config;
}

void check_frames(std::string_view said) {
  CHECK(said.empty() || (said.size() > 3 && said[3] == settings_type));
  while (said.size() >= frame_head_bytes) {
    const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<uint8_t>(said[i])); };
    const size_t bytes = byte(0) << 16 | byte(1) << 8 | byte(2);
    CHECK(bytes <= frame_bytes_max);
    said.remove_prefix(std::min(said.size(), frame_head_bytes + bytes));
  }
}

// Until the connection is gone.
void run(EdgeThread& thread) {
  std::function<void()> look = [&] {
    if (thread.counters().connections_open.get() == 0) {
      thread.stop();
    } else {
      thread.loop().post(look);
    }
  };
  thread.loop().post(look);
  thread.run([] {});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const config::Config config = short_tempered();
  static const Pages pages;
  EdgeShared shared;
  shared.config = &config;
  shared.admin = &pages;
  auto rules = EdgeRules::build(config, shared.mime_types, config.routes, shared.listeners);
  CHECK(rules.has_value());
  shared.set_rules(*rules);
  shared.client_limits = std::make_shared<clients::ClientLimits>(config);
  clients::ListenerInfo listener;
  listener.admin = true;

  int ends[2];
  CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
  const Fd client(ends[0]);
  std::string input(http2::client_preface);
  input.append(reinterpret_cast<const char*>(data), std::min(size, input_bytes_max));
  CHECK(::write(client.get(), input.data(), input.size()) == static_cast<ssize_t>(input.size()));
  ::shutdown(client.get(), SHUT_WR);

  auto thread = EdgeThread::create(shared, 0);
  CHECK(thread.has_value());
  sockaddr_storage nobody{};
  nobody.ss_family = AF_UNIX;
  (*thread)->add(Fd(ends[1]), nobody, listener);
  run(**thread);

  std::string said(1 << 20, '\0');
  const ssize_t got = ::read(client.get(), said.data(), said.size());
  check_frames(std::string_view(said).substr(0, static_cast<size_t>(std::max<ssize_t>(0, got))));
  return 0;
}
