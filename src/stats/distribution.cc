#include "stats/distribution.h"

#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>

namespace labcoat {

double student_t_quantile(double p, double freedom) {
  return boost::math::quantile(boost::math::students_t(freedom), p);
}

double noncentral_t_quantile(double p, double freedom, double center) {
  return boost::math::quantile(boost::math::non_central_t(freedom, center), p);
}

double student_t_share(double x, double freedom) {
  return boost::math::cdf(boost::math::students_t(freedom), x);
}

double normal_quantile(double p) {
  return boost::math::quantile(boost::math::normal(), p);
}

double normal_share(double x) {
  return boost::math::cdf(boost::math::normal(), x);
}

}  // namespace labcoat
