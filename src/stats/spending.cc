#include "stats/spending.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "stats/distribution.h"

namespace labcoat {
namespace {

constexpr size_t points = 321;         // of the grid; odd, for Simpson's rule. Good for five digits
constexpr double reach_max = 8.5;      // standard deviations; what lies further out is below 1e-16
constexpr double least_spent = 1e-14;  // less than this is not worth a boundary

// Without an effect the sum of blocks is a Brownian motion. Its position at one look, where it has
// not crossed any boundary so far: probability mass per grid point.
struct Position {
  std::vector<double> at;
  std::vector<double> mass;
};

double upper_share(double x) {
  return 0.5 * std::erfc(x / std::sqrt(2.0));
}

// The chance to be outside (-boundary, +boundary) after one more step with standard deviation
// `step`.
double crossing(const Position& from, double step, double boundary) {
  double sum = 0;
  for (size_t i = 0; i < from.at.size(); ++i) {
    sum += from.mass[i] * (upper_share((boundary - from.at[i]) / step) +
                           upper_share((boundary + from.at[i]) / step));
  }
  return sum;
}

// The boundary which is crossed with probability `spend`. Halving is slow and cannot fail.
double boundary_for(const Position& from, double step, double spend, double reach) {
  double low = 0, high = reach;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (crossing(from, step, middle) > spend ? low : high) = middle;
  }
  return (low + high) / 2;
}

// Where the process is after the step, if it is still within the boundary.
Position walk_on(const Position& from, double step, double boundary) {
  Position next{std::vector<double>(points), std::vector<double>(points)};
  const double gap = 2 * boundary / (points - 1);
  const double peak = 1 / (step * std::sqrt(2 * M_PI));
  for (size_t j = 0; j < points; ++j) {
    next.at[j] = -boundary + gap * static_cast<double>(j);
    double density = 0;
    for (size_t i = 0; i < from.at.size(); ++i) {
      const double z = (next.at[j] - from.at[i]) / step;
      density += from.mass[i] * std::exp(-0.5 * z * z);
    }
    const double simpson = j == 0 || j == points - 1 ? 1 : (j % 2 == 1 ? 4 : 2);
    next.mass[j] = density * peak * gap / 3 * simpson;
  }
  return next;
}

}  // namespace

double obrien_fleming_spent(double information, double alpha) {
  CHECK(alpha > 0 && alpha < 1);
  if (information >= 1) return alpha;
  if (information <= 0) return 0;
  return 2 * upper_share(-normal_quantile(alpha / 2) / std::sqrt(information));
}

std::vector<double> nominal_alphas(std::span<const SpentAt> looks) {
  std::vector<double> alphas;
  Position position{{0.0}, {1.0}};
  SpentAt before;
  for (const SpentAt& look : looks) {
    CHECK(look.information > before.information && look.alpha >= before.alpha && look.alpha < 1);
    const double step = std::sqrt(look.information - before.information);
    const double deviation = std::sqrt(look.information);
    const double spend = look.alpha - before.alpha;
    double boundary = reach_max * deviation;
    if (spend >= least_spent) {
      boundary = boundary_for(position, step, spend, boundary);
      alphas.push_back(2 * upper_share(boundary / deviation));
    } else {
      alphas.push_back(0);
    }
    position = walk_on(position, step, boundary);
    before = look;
  }
  return alphas;
}

}  // namespace labcoat
