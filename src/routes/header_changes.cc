#include "routes/header_changes.h"

#include <algorithm>

#include "http/field.h"

namespace labcoat::routes {

HeaderChanges::HeaderChanges(const std::vector<std::string>& remove, const config::Pairs& set,
                             const config::Pairs& add)
    : gone_(remove) {
  for (size_t i = 0; i < set.size(); ++i) {
    gone_.push_back(set[i].first);
    const bool again =
        std::any_of(set.begin() + static_cast<ptrdiff_t>(i) + 1, set.end(),
                    [&](const auto& later) { return http::same_name(later.first, set[i].first); });
    if (!again) lines_.push_back({set[i].first, RouteTemplate(set[i].second)});
  }
  for (const auto& [name, value] : add) lines_.push_back({name, RouteTemplate(value)});
}

bool HeaderChanges::removes(std::string_view name) const {
  return std::any_of(gone_.begin(), gone_.end(),
                     [&](const std::string& gone) { return http::same_name(gone, name); });
}

void HeaderChanges::apply(const TemplateFacts& facts, answer::Response& response,
                          std::string& text) const {
  std::erase_if(response.fields, [&](const http::Field& field) { return removes(field.name); });
  // Neither from the app nor from the edge.
  if (removes("server")) response.has_server = true;
  text.clear();
  std::string_view rest = response.lines;
  while (!rest.empty() && !gone_.empty()) {
    const size_t end = std::min(rest.find("\r\n"), rest.size() - 2) + 2;
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end);
    if (!removes(line.substr(0, line.find(':')))) text.append(line);
  }
  text.append(rest);
  for (const Line& line : lines_) {
    if (http::same_name(line.name, "server")) response.has_server = true;
    text.append(line.name).append(": ");
    line.value.fill(facts, text);
    text.append("\r\n");
  }
  response.lines = text;
  response.split = nullptr;
}

}  // namespace labcoat::routes
