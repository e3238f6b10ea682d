#include "python/worker_process.h"

#include <string_view>
#include <sys/socket.h>

namespace labcoat::python {
namespace {

// docs/formats/control.md, worker to supervisor.
constexpr std::string_view retire_message = R"({"type":"retire","reason":"max_requests"})";

}  // namespace

void WorkerProcess::count_request() {
  if (requests_max == 0) return;
  if (requests_done.fetch_add(1, std::memory_order_relaxed) + 1 != requests_max) return;
  // When the supervisor is gone so are we, soon.
  [[maybe_unused]] const ssize_t sent = ::send(supervisor_fd, retire_message.data(),
                                               retire_message.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace labcoat::python
