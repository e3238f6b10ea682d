// Order decides in which sequence the two arms of a block take their turns. The machine's speed
// drifts over seconds, so each arm has to be early as often as late; and nobody may know the next
// turn beforehand, so that no periodic job of the machine can side with one arm. Both together:
// ABBA or BAAB, drawn by coin for every four turns.
#pragma once

#include <cstddef>
#include <vector>

#include "base/clock.h"

namespace labcoat {

enum class Arm { a, b };

// The arms of `turns` slices, equally many of each: groups of four are ABBA or BAAB, a remainder of
// two is AB or BA. Within every whole group a linear drift cancels exactly. The same seed gives the
// same order on every machine. `turns` is even.
std::vector<Arm> slice_order(size_t turns, u64 seed);

// The numbers 0 … count-1 in random order (Fisher-Yates), each order equally likely: which knob,
// URL or restart comes next.
std::vector<size_t> shuffled(size_t count, u64 seed);

}  // namespace labcoat
