// BlockRunner measures one block: both arms freshly started side by side on ports of their own, the
// load alternating between them in short slices in random order. The machine's drift hits both arms
// alike and cancels.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "lab/load.h"
#include "lab/measurer.h"
#include "lab/server.h"

namespace labcoat {

// How a block is cut. Slices within a block are not independent evidence; blocks are.
struct BlockShape {
  size_t slices = 8;         // of both arms together; even
  i64 slice_ns = 200 * ms;   // about; see BlockRunner::requests_per_second_
  i64 warmup_ns = 250 * ms;  // load for each arm before anything counts
};

// The shape that lets a study of so many questions end within its budget with enough blocks.
BlockShape shape_for(i64 budget_ns, size_t questions);

class BlockRunner : public Measurer {
 public:
  // All references outlive the runner. `directory` holds the arms' folders and is the runner's own.
  // `unchanged` are the values that need not be told to the server: those it would use by itself.
  BlockRunner(const Target& target, const AppUnderTest& app, const Load& load, BlockShape shape,
              const Metric& metric, KnobValues unchanged, std::string directory,
              const std::atomic<bool>& stop);

  Result<Block> measure(const KnobValues& a, const KnobValues& b, u64 seed) override;
  i64 now() const override { return now_ns(); }

 private:
  struct ArmState;
  Result<std::unique_ptr<Server>> start(const KnobValues& values, const std::string& folder);
  Status run_slices(Block& block, ArmState& a, ArmState& b, u64 seed);
  void warm_up(ArmState& a, ArmState& b);
  ArmSample ask(ArmState& arm, i64 about_ns, Histogram& latency);
  Result<ArmSample> slice(ArmState& arm);
  Result<ArmSample> run_command(ArmState& arm);
  Status take_turns(Block& block, ArmState& a, ArmState& b, i64 begun);
  void finish(Block& block, ArmState& a, ArmState& b, i64 measured_ns) const;

  const Target& target_;
  const AppUnderTest& app_;
  const Load& load_;
  BlockShape shape_;
  Metric metric_;
  KnobValues unchanged_;
  std::string directory_;
  const std::atomic<bool>& stop_;
  // Of arm A in the latest block. In the closed loop it turns the length of a slice into a number
  // of requests, so that both arms answer exactly the same ones: with costly and cheap requests in
  // a mix, equal times would not be equal work.
  double requests_per_second_ = 0;
};

// Why arm B must be stopped now, or "": its answers take more than twice as long as arm A's, or its
// errors are half a percentage point above. Says nothing before both arms have answered a little.
std::string unsafe_by_answers(const ArmSample& a, const ArmSample& b);

}  // namespace labcoat
