// When Python's cyclic garbage collector runs in a worker.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"
#include "python/ref.h"

namespace labcoat::python {

class Garbage {
 public:
  // as_usual: whenever Python's thresholds say so, in the middle of a request or not. (The modes
  // "default" and "freeze" of the configuration: freezing is done before the fork.)
  enum class Mode { as_usual, off, between_requests };
  static std::optional<Mode> parse_mode(std::string_view text);

  // False with an exception. Switches the automatic collector of this process on or off.
  bool open(Mode mode);
  // After each request: bounds what a worker that never rests can pile up.
  void request_done() {
    if (mode_ == Mode::between_requests && ++requests_ >= requests_max) collect_if_due();
  }
  // Before the worker sleeps.
  void idle() {
    if (requests_ > 0) collect_if_due();
  }

 private:
  static constexpr int requests_max = 1000;

  void collect_if_due();
  bool collect_due_generation();

  Mode mode_ = Mode::as_usual;
  int requests_ = 0;  // since the last look
  Ref collect_, get_count_, get_threshold_;
};

}  // namespace labcoat::python
