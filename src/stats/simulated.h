// Simulated measurements for the tests of this folder: data whose truth is known, made the way a
// load test makes them. Every start of a server settles at a level of its own (run to run), and
// within a run neighbouring slices resemble each other.
#pragma once

#include <cmath>
#include <vector>

#include "stats/random.h"

namespace labcoat {

constexpr u64 simulation_seed = 20240607;

// Standard normal numbers (Marsaglia's polar method) from our own generator, the same on every
// machine.
class Noise {
 public:
  explicit Noise(u64 seed) : random_(seed) {}

  double normal() {
    if (spare_ready_) {
      spare_ready_ = false;
      return spare_;
    }
    double x, y, square;
    do {
      x = 2 * random_.uniform() - 1;
      y = 2 * random_.uniform() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square == 0);
    const double scale = std::sqrt(-2 * std::log(square) / square);
    spare_ = y * scale;
    spare_ready_ = true;
    return x * scale;
  }
  // Standard deviation 1, but one in ten is drawn three times as wide: the occasional neighbour on
  // the machine.
  double heavy() { return (random_.below(10) == 0 ? 3 : 1) * normal() / std::sqrt(1.8); }
  // Standard deviation 1, two modes: now and then a run settles in a slower place.
  double bimodal() { return (random_.below(10) < 3 ? -1.45 : 0.62) + 0.3 * normal(); }

 private:
  Random random_;
  double spare_ = 0;
  bool spare_ready_ = false;
};

enum class Tails { normal, heavy, bimodal };

// On the log scale. The figures are those of the acceptance tests: 3 % between runs, 20 % between
// slices of one run, slices correlated by 0.6 with their neighbour.
struct TwoLevel {
  double run_sd = 0.03;
  double slice_sd = 0.20;
  double neighbour = 0.6;
  size_t slices = 20;  // of each arm in a block
  Tails tails = Tails::normal;
};

inline std::vector<double> simulated_run(const TwoLevel& law, double level, Noise& noise) {
  const double run = law.tails == Tails::normal  ? noise.normal()
                     : law.tails == Tails::heavy ? noise.heavy()
                                                 : noise.bimodal();
  const double fresh = std::sqrt(1 - law.neighbour * law.neighbour);
  std::vector<double> slices(law.slices);
  double wave = noise.normal();
  for (double& slice : slices) {
    slice = level + law.run_sd * run + law.slice_sd * wave;
    wave = law.neighbour * wave + fresh * noise.normal();
  }
  return slices;
}

inline double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double x : values) sum += x;
  return sum / static_cast<double>(values.size());
}

// ln(B/A) of one block, whose truth is `effect`.
inline double simulated_block(const TwoLevel& law, double effect, Noise& noise) {
  const double a = mean_of(simulated_run(law, 0, noise));
  const double b = mean_of(simulated_run(law, effect, noise));
  return b - a;
}

inline std::vector<double> simulated_blocks(size_t count, const TwoLevel& law, double effect,
                                            Noise& noise) {
  std::vector<double> blocks(count);
  for (double& block : blocks) block = simulated_block(law, effect, noise);
  return blocks;
}

}  // namespace labcoat
