// The bytes of each kind of request, written once before the run: during it a request costs one
// send().
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "bench/generator.h"
#include "bench/random.h"

namespace labcoat::bench {

struct RequestText {
  std::string bytes;            // head and body
  bool head = false;            // the method is HEAD: the answer has no body
  bool safe_to_repeat = false;  // idempotent, RFC 9110 section 9.2.2
};

// Errors name what in the target is not HTTP: method, header name or header value.
Result<RequestText> format_request(const Target& target);

// The kinds of request with their weights. Immutable during a run, shared by the threads.
class Mix {
 public:
  // Errors: those of format_request, no target, a weight that is not positive, or targets of
  // several origins.
  static Result<Mix> make(const std::vector<Target>& targets);

  size_t size() const { return texts_.size(); }
  const RequestText& text(size_t index) const { return texts_[index]; }
  // Costs no random number when there is nothing to choose.
  size_t choose(Random& random) const;

 private:
  std::vector<RequestText> texts_;
  std::vector<double> upto_;  // cumulative shares; the last is 1
};

}  // namespace labcoat::bench
