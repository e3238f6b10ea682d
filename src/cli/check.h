// labcoat serve --check: would it start?
#pragma once

#include "config/config.h"
#include "supervisor/supervisor.h"

namespace labcoat {

// Loads every app in a zygote and ends it again; prints what it found. Returns the exit code: 0, or
// 2 when an app cannot be loaded.
int check_apps(const config::Config& config, const supervisor::Recipe& recipe);

}  // namespace labcoat
