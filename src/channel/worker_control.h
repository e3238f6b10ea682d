// WorkerControl: the descriptors that travel between one worker process and the edge. Shared by all
// threads of the worker; each method locks. Methods block for one round trip at most: call them
// without the GIL.
#pragma once

#include <mutex>

#include "base/fd.h"
#include "base/result.h"
#include "channel/worker_port.h"

namespace labcoat::channel {

class WorkerControl {
 public:
  // The worker's end of the control socket; borrowed.
  explicit WorkerControl(int socket) : socket_(socket) {}

  // The file with the body of the request this port holds. Not found when the client has gone
  // meanwhile.
  Result<Fd> fetch_body(const WorkerPort& port, u32 endpoint);
  // Gives the edge a descriptor; the number is what FileSpan::number must say. The descriptor stays
  // the caller's.
  Result<u64> send_file(const WorkerPort& port, u32 endpoint, int fd);

 private:
  std::mutex mutex_;
  const int socket_;
  u64 files_sent_ = 0;
};

}  // namespace labcoat::channel
