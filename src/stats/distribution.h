// The two distributions that everything here leans on, Student's t and the normal: shares and
// quantiles, full precision.
#pragma once

namespace labcoat {

// The value that a share `p` of the distribution lies below. 0 < p < 1, freedom > 0.
double student_t_quantile(double p, double freedom);
double normal_quantile(double p);

// The share of the distribution at or below x.
double student_t_share(double x, double freedom);
double normal_share(double x);

}  // namespace labcoat
