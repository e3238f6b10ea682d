// The page of `labcoat status` and `labcoat top`: one line for the server, one for each app, one
// for each worker and what it does now.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace labcoat {

// `status` is what the supervisor says (docs/formats/control.md). With an earlier one of the same
// server there are rates, too. Lines are cut at `columns`; 0: never.
std::string worker_table(const nlohmann::json& status, const nlohmann::json* earlier,
                         size_t columns);

}  // namespace labcoat
