// The pages of the admin listener: /health, /ready, /status (JSON) and /metrics (Prometheus text).
#pragma once

#include "edge/edge_thread.h"

namespace labcoat::edge {

class StatusPages final : public AdminPages {
 public:
  StatusPages(const EdgeShared& shared, const std::vector<std::unique_ptr<EdgeThread>>& threads)
      : shared_(shared), threads_(threads) {}

  Page answer(std::string_view path) const override;

 private:
  bool ready() const;
  std::string status_json() const;

  const EdgeShared& shared_;
  const std::vector<std::unique_ptr<EdgeThread>>& threads_;
};

}  // namespace labcoat::edge
