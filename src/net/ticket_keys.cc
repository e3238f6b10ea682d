#include "net/ticket_keys.h"

#include <algorithm>
#include <cstring>
#include <openssl/crypto.h>
#include <openssl/rand.h>

namespace labcoat::net {
namespace {

bool fill(TicketKey& key) {
  return RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) == 1 &&
         RAND_priv_bytes(key.cipher.data(), static_cast<int>(key.cipher.size())) == 1 &&
         RAND_priv_bytes(key.mac.data(), static_cast<int>(key.mac.size())) == 1;
}

}  // namespace

std::optional<TicketKey> TicketKeys::to_seal(i64 now) {
  const std::lock_guard lock(mutex_);
  if (!keys_.empty() && now - keys_.back().made_ns < ages_.seals_ns) return keys_.back();
  for (TicketKey& key : keys_) {
    if (is_forgotten(key, now)) OPENSSL_cleanse(&key, sizeof key);
  }
  // What was cleansed was made at time 0, and is older than anything.
  std::erase_if(keys_, [&](const TicketKey& key) { return is_forgotten(key, now); });
  TicketKey key;
  key.made_ns = now;
  if (!fill(key)) return std::nullopt;
  keys_.push_back(key);
  return key;
}

std::optional<TicketKeys::Found> TicketKeys::to_open(std::string_view name, i64 now) const {
  const std::lock_guard lock(mutex_);
  for (const TicketKey& key : keys_) {
    if (name.size() != key.name.size() ||
        std::memcmp(name.data(), key.name.data(), name.size()) != 0) {
      continue;
    }
    if (is_forgotten(key, now)) return std::nullopt;
    return Found{key, &key != &keys_.back() || now - key.made_ns >= ages_.seals_ns};
  }
  return std::nullopt;
}

}  // namespace labcoat::net
