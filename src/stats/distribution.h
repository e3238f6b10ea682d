// The distributions that everything here leans on, Student's t and the normal: shares and
// quantiles, full precision.
#pragma once

namespace labcoat {

// The value that a share `p` of the distribution lies below. 0 < p < 1, freedom > 0.
double student_t_quantile(double p, double freedom);
double normal_quantile(double p);
// Of (Z + center)/S, Z normal, S an estimated spread with `freedom` degrees: t around another
// center.
double noncentral_t_quantile(double p, double freedom, double center);

// The share of the distribution at or below x.
double student_t_share(double x, double freedom);
double normal_share(double x);

}  // namespace labcoat
