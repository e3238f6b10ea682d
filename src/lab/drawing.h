// Drawing: effects as inline SVG on one shared scale: the band of the margin, zero, the blocks as
// dots, the interval as a line and the estimate as a mark whose shape and colour tell the verdict.
#pragma once

#include <string>
#include <vector>

#include "lab/record.h"

namespace labcoat {

// Positions are on the log scale, so that "twice" and "half" lie equally far from zero; labels are
// relative effects.
class EffectScale {
 public:
  // Wide enough for every interval of the record, but at most a factor 2.7 each way: what lies
  // outside is drawn as an arrow at the edge.
  explicit EffectScale(const Record& record);

  double x(double log_gain) const;  // clamped to the drawing
  bool outside(double log_gain) const;
  // The axis with its labels, and one row.
  std::string axis() const;
  std::string row(const Trial& trial) const;

  static constexpr int width = 420;

 private:
  std::string grid(int height) const;
  std::vector<double> ticks() const;  // shown effects

  const Record& record_;
  double reach_;  // log gain at either edge
};

}  // namespace labcoat
