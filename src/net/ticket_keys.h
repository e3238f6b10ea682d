// TicketKeys: the secrets that seal session tickets. A client that comes back shows its ticket, and
// the handshake needs no certificate and no signature. Whoever has the secret can read the tickets,
// and with TLS 1.2 what was sent under them: so each seals for an hour only, and is then forgotten.
// They are never written to a disk; a new process has new ones.
#pragma once

#include <array>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace labcoat::net {

struct TicketKey {
  std::array<u8, 16> name;  // stands in the ticket, in clear
  std::array<u8, 32> cipher;
  std::array<u8, 32> mac;
  i64 made_ns = 0;
};

// Shared by all threads. `now` is of the monotonic clock.
class TicketKeys {
 public:
  struct Ages {
    i64 seals_ns = 3600 * seconds;      // then a new key takes its place …
    i64 opens_ns = 4 * 3600 * seconds;  // … and what it has sealed is still good for so long
  };
  TicketKeys() = default;
  explicit TicketKeys(Ages ages) : ages_(ages) {}

  // The key for new tickets; makes one when there is none that is young enough. None: there is no
  // randomness, and so no ticket.
  std::optional<TicketKey> to_seal(i64 now);
  struct Found {
    TicketKey key;
    bool renew = false;  // there is a younger one: the client should get a new ticket
  };
  // The key of this name, if it may still open tickets.
  std::optional<Found> to_open(std::string_view name, i64 now) const;

  // What a ticket is good for, at most.
  i64 ticket_age_max_ns() const { return ages_.opens_ns; }

 private:
  bool is_forgotten(const TicketKey& key, i64 now) const {
    return now - key.made_ns >= ages_.seals_ns + ages_.opens_ns;
  }

  const Ages ages_ = {};
  mutable std::mutex mutex_;
  std::vector<TicketKey> keys_;  // the youngest last
};

}  // namespace labcoat::net
