#include "edge/exposition.h"

#include <gtest/gtest.h>

using labcoat::edge::Exposition;
using labcoat::edge::Label;

TEST(Exposition, NamesHelpsAndTypesEachMetricOnce) {
  Exposition out;
  out.metric("a", Exposition::Kind::counter, "with \\ and\nline");
  out.sample({}, 18446744073709551615u);
  out.metric("b", Exposition::Kind::gauge, "b");
  const Label labels[] = {{"x", "1"}, {"y", "\"q\" \\ \n"}};
  out.sample(labels, 2);
  EXPECT_EQ(out.take(),
            "# HELP a_total with \\\\ and\\nline\n# TYPE a_total counter\n"
            "a_total 18446744073709551615\n"
            "# HELP b b\n# TYPE b gauge\nb{x=\"1\",y=\"\\\"q\\\" \\\\ \\n\"} 2\n");
}

TEST(Exposition, ShowsBucketsCumulativelyAndInSeconds) {
  Exposition out;
  out.metric("h", Exposition::Kind::histogram, "h");
  const labcoat::i64 bounds[] = {100, 2'500'000};
  const labcoat::u64 counts[] = {1, 2, 3};
  const Label label[] = {{"r", "/"}};
  out.histogram(label, bounds, counts, 1'000'010);
  EXPECT_EQ(out.take(),
            "# HELP h h\n# TYPE h histogram\n"
            "h_bucket{r=\"/\",le=\"0.0001\"} 1\nh_bucket{r=\"/\",le=\"2.5\"} 3\n"
            "h_bucket{r=\"/\",le=\"+Inf\"} 6\nh_sum{r=\"/\"} 1.00001\nh_count{r=\"/\"} 6\n");
}
