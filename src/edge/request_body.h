// RequestBody: a request's body while it arrives; small ones stay in memory, larger ones go to an
// unlinked file (edge/body_files.h).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "config/config.h"
#include "edge/counters.h"

namespace labcoat::edge {

// A whole body, as it is handed on: in memory (borrowed) or in a file.
struct Body {
  std::string_view memory;
  std::shared_ptr<Fd> file;  // shared with BodyFiles while a worker may ask for it
  i64 bytes = 0;
};

class RequestBody {
 public:
  enum class Stored { yes, too_large, no_room };

  // `limits` and `counters` outlive it.
  RequestBody(const config::Limits& limits, Counters& counters)
      : limits_(limits), counters_(counters) {}

  Stored append(std::string_view piece);
  // After the last piece; then whole() may be called.
  Stored complete();
  Body whole() const { return {memory_, file_, bytes_}; }
  i64 bytes() const { return bytes_; }

 private:
  Stored write_out();

  const config::Limits& limits_;
  Counters& counters_;
  std::string memory_;
  std::shared_ptr<Fd> file_;
  i64 bytes_ = 0;
};

// What to tell the client: the status of a body that was not stored, and why.
struct Refusal {
  int status;
  const char* why;
};
Refusal refusal_of(RequestBody::Stored stored);

}  // namespace labcoat::edge
