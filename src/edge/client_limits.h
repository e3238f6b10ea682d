// ClientLimits: what one client may have of the whole: connections at once, and requests over time.
// Shared by all edge threads, for a client's connections are spread over them.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "config/config.h"
#include "edge/rate_limit.h"
#include "http/request.h"

namespace labcoat::edge {

struct Client;

// Thread-safe.
class ClientLimits {
 public:
  explicit ClientLimits(const config::Limits& limits);

  // A place for one more connection of this address, held as long as the result lives. Clients
  // without an address need none.
  struct Seat {
    bool full = false;
    std::shared_ptr<void> held;  // none: there is no limit
  };
  Seat take_seat(const Client& client);

  bool has_rate() const { return rate_ != nullptr; }
  RateLimit::Verdict take_token(const http::RequestHead& head, const Client& client, int route,
                                i64 now);

 private:
  void give_seat_back(const std::string& key);

  const int connections_max_;  // 0: no limit
  std::mutex mutex_;
  std::map<std::string, int, std::less<>> connections_;
  enum class Key : u8 { address, route, header };
  Key key_ = Key::address;
  std::string header_;
  std::unique_ptr<RateLimit> rate_;
};

// One client has a whole /64 of IPv6: what counts is the network.
std::string client_key(std::string_view address);

}  // namespace labcoat::edge
