// Progress shows a study while it runs: on a terminal one line that is redrawn with the question of
// the moment and the time left, above it the verdicts as they come; elsewhere just the verdicts,
// one plain line each.
#pragma once

#include <cstdio>
#include <string>

#include "lab/measurer.h"

namespace labcoat {

class Progress : public Observer {
 public:
  // `out` outlives this; `terminal` and `columns` say what it is.
  Progress(FILE* out, bool terminal, int columns);
  ~Progress() override;

  void began(const Record& record) override;
  void trial_began(size_t index, const Trial& trial, size_t questions_left) override;
  void block_done(size_t index, const Trial& trial, const Block& block) override;
  void trial_ended(size_t index, const Trial& trial) override;
  void floor_known(const Record& record) override;

 private:
  void say(const std::string& line);
  void redraw();
  void clear();

  FILE* out_;
  bool terminal_;
  int columns_;
  i64 began_ns_ = 0;
  i64 budget_ns_ = 0;
  Metric metric_;
  std::string now_doing_;
  size_t blocks_ = 0;
  size_t questions_left_ = 0;
  bool drawn_ = false;
};

}  // namespace labcoat
