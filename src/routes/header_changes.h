// What a route does to the headers of requests and responses: some are removed, then some set,
// then some added. Made once from the configuration.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "answer/response.h"
#include "config/route.h"
#include "routes/route_template.h"

namespace labcoat::routes {

class HeaderChanges {
 public:
  struct Line {
    std::string name;
    RouteTemplate value;
  };

  HeaderChanges() = default;
  // Of what is set twice the last counts.
  HeaderChanges(const std::vector<std::string>& remove, const config::Pairs& set,
                const config::Pairs& add);

  bool empty() const { return gone_.empty() && lines_.empty(); }
  // Whether a field of this name is removed, or replaced by one of lines().
  bool removes(std::string_view name) const;
  const std::vector<Line>& lines() const { return lines_; }

  // Changes the fields and lines of a response. What is written anew lies in `text`, which must
  // stay as it is until the response is sent.
  void apply(const TemplateFacts& facts, answer::Response& response, std::string& text) const;

 private:
  std::vector<std::string> gone_;  // removed or set
  std::vector<Line> lines_;        // set or added
};

}  // namespace labcoat::routes
