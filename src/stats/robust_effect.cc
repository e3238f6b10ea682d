#include "stats/robust_effect.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/check.h"
#include "stats/distribution.h"

namespace labcoat {
namespace {

constexpr size_t exact_blocks_max = 200;  // the exact law takes n^3 steps

// Twice the rank of each size |x|, so that mid-ranks of ties are whole numbers too.
std::vector<size_t> doubled_ranks(const std::vector<double>& sorted_sizes) {
  std::vector<size_t> ranks(sorted_sizes.size());
  for (size_t first = 0; first < sorted_sizes.size();) {
    size_t end = first + 1;
    while (end < sorted_sizes.size() && sorted_sizes[end] == sorted_sizes[first]) ++end;
    for (size_t i = first; i < end; ++i) ranks[i] = first + end + 1;
    first = end;
  }
  return ranks;
}

// Probability of each possible sum of ranks when every sign is a coin.
std::vector<double> sum_law(const std::vector<size_t>& ranks) {
  size_t total = 0;
  for (const size_t rank : ranks) total += rank;
  std::vector<double> law(total + 1, 0.0);
  law[0] = 1;
  size_t reached = 0;
  for (const size_t rank : ranks) {
    reached += rank;
    for (size_t sum = reached + 1; sum-- > 0;) {
      law[sum] = 0.5 * (law[sum] + (sum >= rank ? law[sum - rank] : 0.0));
    }
  }
  return law;
}

double signed_rank_p(std::span<const double> log_ratios) {
  std::vector<double> values;
  for (const double x : log_ratios) {
    if (x != 0) values.push_back(x);
  }
  if (values.empty()) return 1;
  std::sort(values.begin(), values.end(),
            [](double x, double y) { return std::fabs(x) < std::fabs(y); });
  std::vector<double> sizes;
  for (const double x : values) sizes.push_back(std::fabs(x));
  const std::vector<size_t> ranks = doubled_ranks(sizes);
  size_t above = 0, below = 0;
  for (size_t i = 0; i < values.size(); ++i) (values[i] > 0 ? above : below) += ranks[i];
  const size_t smaller = std::min(above, below);

  if (values.size() <= exact_blocks_max) {
    const std::vector<double> law = sum_law(ranks);
    double share = 0;
    for (size_t sum = 0; sum <= smaller; ++sum) share += law[sum];
    return std::min(1.0, 2 * share);
  }
  double variance = 0;  // of the doubled sum: a quarter of the squares, ties included
  for (const size_t rank : ranks) variance += 0.25 * static_cast<double>(rank * rank);
  const double distance = static_cast<double>(smaller) - 0.5 * static_cast<double>(above + below);
  return std::min(1.0, 2 * normal_share((distance + 1) / std::sqrt(variance)));
}

// How many Walsh averages may be cut off at either end of the sorted row; -1 when not even the ends
// themselves reach the confidence.
long cut_off(size_t blocks, double confidence) {
  const double alpha_each = (1 - confidence) / 2;
  const double n = static_cast<double>(blocks);
  if (blocks > exact_blocks_max) {
    const double sd = std::sqrt(n * (n + 1) * (2 * n + 1) / 24);
    return std::lround(std::floor(n * (n + 1) / 4 - 0.5 + normal_quantile(alpha_each) * sd));
  }
  std::vector<size_t> ranks(blocks);
  for (size_t i = 0; i < blocks; ++i) ranks[i] = i + 1;
  const std::vector<double> law = sum_law(ranks);
  double share = 0;
  long cut = -1;
  for (size_t sum = 0; sum < law.size() && (share += law[sum]) <= alpha_each; ++sum) ++cut;
  return cut;
}

double median_of_sorted(const std::vector<double>& sorted) {
  const size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : 0.5 * (sorted[half - 1] + sorted[half]);
}

}  // namespace

RobustEffect robust_effect(std::span<const double> log_ratios, double confidence) {
  CHECK(confidence > 0 && confidence < 1);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  RobustEffect effect{
      .blocks = log_ratios.size(), .confidence = confidence, .log_ci = {-infinity, infinity}};
  if (log_ratios.empty()) return effect;

  std::vector<double> walsh_averages;
  walsh_averages.reserve(log_ratios.size() * (log_ratios.size() + 1) / 2);
  for (size_t i = 0; i < log_ratios.size(); ++i) {
    CHECK(std::isfinite(log_ratios[i]));
    for (size_t j = 0; j <= i; ++j) {
      walsh_averages.push_back(0.5 * (log_ratios[i] + log_ratios[j]));
    }
  }
  std::sort(walsh_averages.begin(), walsh_averages.end());
  effect.log_median = median_of_sorted(walsh_averages);
  effect.p_value = signed_rank_p(log_ratios);
  const long cut = cut_off(log_ratios.size(), confidence);
  if (cut >= 0) {
    const size_t k = static_cast<size_t>(cut);
    effect.log_ci = {walsh_averages[k], walsh_averages[walsh_averages.size() - 1 - k]};
  }
  return effect;
}

bool outliers_decide(const PairedEffect& paired, const RobustEffect& robust) {
  const auto inside = [](double x, Interval interval) {
    return x >= interval.lower && x <= interval.upper;
  };
  return !inside(robust.log_median, paired.log_ci) || !inside(paired.log_mean, robust.log_ci);
}

}  // namespace labcoat
