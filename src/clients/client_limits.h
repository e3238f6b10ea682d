// ClientLimits: what one client may have of the whole: connections at once, and requests over time.
// Shared by all edge threads, for a client's connections are spread over them.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "clients/rate_limit.h"
#include "config/config.h"
#include "http/request.h"

namespace labcoat::clients {

struct Client;

// Thread-safe.
class ClientLimits {
 public:
  // Of `config` the limits, and what routes say for themselves.
  explicit ClientLimits(const config::Config& config);

  // A place for one more connection of this address, held as long as the result lives. Clients
  // without an address need none.
  struct Seat {
    bool full = false;
    std::shared_ptr<void> held;  // none: there is no limit
  };
  Seat take_seat(const Client& client);

  // `route`: its index in the configuration. A rate of its own takes the place of the server's.
  bool has_rate(int route) const { return rule_of(route).rate.interval_ns != 0; }
  RateLimit::Verdict take_token(const http::RequestHead& head, const Client& client, int route,
                                i64 now) const;

 private:
  void give_seat_back(const std::string& key);

  const int connections_max_;  // 0: no limit
  std::mutex mutex_;
  std::map<std::string, int, std::less<>> connections_;
  enum class Key : u8 { address, route, header };
  struct Rule {
    RateLimit::Rate rate;  // an interval of 0: none
    Key key = Key::address;
    std::string header;
    std::string scope;  // in front of its keys; empty: the server's
  };
  static void set_key(Rule& rule, const std::string& key);
  const Rule& rule_of(int route) const {
    const auto own = route_rules_.find(route);
    return own == route_rules_.end() ? rule_ : own->second;
  }

  Rule rule_;                           // the server's
  std::map<int, Rule> route_rules_;     // of those that have one
  std::unique_ptr<RateLimit> buckets_;  // of all rules; or none
};

// One client has a whole /64 of IPv6: what counts is the network.
std::string client_key(std::string_view address);

}  // namespace labcoat::clients
