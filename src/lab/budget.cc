#include "lab/budget.h"

#include <algorithm>

namespace labcoat {
namespace {

// For the report, the last stop of the servers, and blocks that take longer than those before them.
constexpr i64 slack_least_ns = 1500 * ms;
constexpr double slack_share = 0.01;
// An early question may use this much more than its equal share: those that promise most come
// first.
constexpr double generosity = 1.5;
constexpr double noise_share_max = 0.15;

size_t whole_blocks(double time_ns, i64 block_ns) {
  if (time_ns <= 0 || block_ns <= 0) return 0;
  return static_cast<size_t>(time_ns / static_cast<double>(block_ns));
}

}  // namespace

Budget::Budget(i64 start_ns, i64 total_ns)
    : end_ns_(
          start_ns + total_ns -
          std::max(slack_least_ns, static_cast<i64>(slack_share * static_cast<double>(total_ns)))),
      total_ns_(total_ns) {}

void Budget::block_took(i64 elapsed_ns) {
  // Quick to believe that blocks got slower, slow to believe that they got faster: the promise
  // comes first.
  const double weight = elapsed_ns > block_ns_ ? 0.5 : 0.2;
  block_ns_ = block_ns_ == 0 ? elapsed_ns
                             : static_cast<i64>(weight * static_cast<double>(elapsed_ns) +
                                                (1 - weight) * static_cast<double>(block_ns_));
}

size_t Budget::reserved_blocks(size_t kept) {
  // Leaving out the only change is what the confirmation measures anyway: done when there is time,
  // but not reserved.
  return kept == 0 ? 0 : confirmation_blocks_min + (kept - 1) * blocks_min;
}

size_t Budget::noise_plan(i64 now) const {
  const double share = noise_share_max * static_cast<double>(total_ns_);
  const size_t blocks = whole_blocks(std::min(share, static_cast<double>(left_ns(now))), block_ns_);
  return std::clamp(blocks, blocks_min, noise_blocks);
}

size_t Budget::question_plan(i64 now, size_t left, size_t kept) const {
  // This very question may be kept, and must then be confirmed.
  const size_t reserved = reserved_blocks(kept + 1);
  const size_t blocks = whole_blocks(static_cast<double>(left_ns(now)), block_ns_);
  if (blocks < reserved + blocks_min) return 0;
  const size_t free = blocks - reserved;
  const size_t others = blocks_min * (std::max<size_t>(left, 1) - 1);
  const double share =
      generosity * static_cast<double>(free) / static_cast<double>(std::max<size_t>(left, 1));
  const size_t wish = std::max(static_cast<size_t>(share), question_blocks_least);
  const size_t most = std::min(question_blocks_max, free);
  // Where not all can be asked anyway, the first ones get enough for an answer; else the later ones
  // keep their minimum.
  if (free < others + blocks_min) return std::min(wish, most);
  return std::min({wish, most, free - others});
}

size_t Budget::ablation_plan(i64 now, size_t left) const {
  const size_t blocks = whole_blocks(static_cast<double>(left_ns(now)), block_ns_);
  if (blocks < confirmation_blocks_min + blocks_min) return 0;
  const size_t share = (blocks - confirmation_blocks_min) / std::max<size_t>(left, 1);
  return share < blocks_min ? 0 : std::min(share, ablation_blocks_max);
}

size_t Budget::confirmation_plan(i64 now) const {
  const size_t blocks = whole_blocks(static_cast<double>(left_ns(now)), block_ns_);
  return std::min(blocks, confirmation_blocks_max);
}

bool Budget::fits(i64 now, size_t blocks_after) const {
  return left_ns(now) >= static_cast<i64>(blocks_after + 1) * block_ns_;
}

}  // namespace labcoat
