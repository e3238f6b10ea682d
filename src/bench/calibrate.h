// How many requests a second this generator could send here at most, whatever the server.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "bench/generator.h"

namespace labcoat::bench {

// Loads a NullResponder in this process with the same connections and threads, and divides its
// answers by the CPU time that the generator's threads spent on them: requests per second if every
// thread had a core of its own and never had to wait. Counting CPU time, not wall time, keeps the
// responder's own speed, and the core it may share, out of the figure. Takes about `duration_ns`.
// Errors: no port or no descriptors on 127.0.0.1.
Result<double> measure_ceiling(const LoadOptions& like, i64 duration_ns = 200 * ms);

}  // namespace labcoat::bench
