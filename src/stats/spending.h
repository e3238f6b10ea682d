// Spending: how the permitted error of 5 % is dealt out over several looks at growing data. Looking
// five times with the ordinary interval errs in 14 % of all studies, not 5 %; here each look gets a
// stricter level of its own.
#pragma once

#include <span>
#include <vector>

namespace labcoat {

// One look: after a share `information` of the planned blocks (only ratios between looks matter),
// the error that all looks up to and with this one may make together. Both grow from look to look.
struct SpentAt {
  double information = 0;
  double alpha = 0;
};

// What Lan and DeMets spend until `information` (0 … 1) to resemble O'Brien and Fleming's boundary:
// 2 - 2 Φ(z(α/2)/sqrt t). Almost nothing early, so the last look is nearly as sharp as if it were
// the only one. (Lan and DeMets, "Discrete sequential boundaries for clinical trials", Biometrika
// 1983.)
double obrien_fleming_spent(double information, double alpha);

// The two-sided level to test at in each look, so that a process without an effect crosses any
// boundary so far with just the probability spent so far. By recursive integration of the density
// of what has not crossed yet (Armitage, McPherson and Rowe, 1969; Jennison and Turnbull, "Group
// Sequential Methods", 2000, chapter 19). Costs some milliseconds.
std::vector<double> nominal_alphas(std::span<const SpentAt> looks);

}  // namespace labcoat
