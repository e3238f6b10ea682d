#include "edge/client_limits.h"

#include <algorithm>
#include <random>

#include "base/ip_address.h"
#include "edge/connection.h"

namespace labcoat::edge {
namespace {

constexpr std::string_view header_prefix = "header.";

u64 random_secret() {
  std::random_device device;
  return static_cast<u64>(device()) << 32 | device();
}

}  // namespace

std::string client_key(std::string_view address) {
  auto ip = parse_ip(address);
  if (!ip || ip->is_v4()) return std::string(address);
  std::fill(ip->bytes.begin() + 8, ip->bytes.end(), uint8_t{0});
  return ip->text();
}

ClientLimits::ClientLimits(const config::Limits& limits)
    : connections_max_(limits.connections_per_address) {
  if (limits.rate_interval_ns == 0) return;
  rate_ = std::make_unique<RateLimit>(RateLimit::Options{
      .interval_ns = limits.rate_interval_ns,
      .burst = limits.rate_burst > 0 ? limits.rate_burst : limits.rate_per_second,
      .buckets = static_cast<size_t>(limits.rate_buckets),
      .secret = random_secret()});
  if (limits.rate_key == "route") key_ = Key::route;
  if (!limits.rate_key.starts_with(header_prefix)) return;
  key_ = Key::header;
  header_ = limits.rate_key.substr(header_prefix.size());
}

ClientLimits::Seat ClientLimits::take_seat(const Client& client) {
  if (connections_max_ == 0 || client.address.empty() || client.trusted) return {};
  std::string key = client_key(client.address);
  {
    const std::lock_guard lock(mutex_);
    int& count = connections_[key];
    if (count >= connections_max_) return {.full = true, .held = nullptr};
    ++count;
  }
  // The object itself is of no interest; its end is.
  return {.full = false, .held = std::shared_ptr<void>(this, [key = std::move(key)](void* limits) {
                           static_cast<ClientLimits*>(limits)->give_seat_back(key);
                         })};
}

void ClientLimits::give_seat_back(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto at = connections_.find(key);
  if (at != connections_.end() && --at->second == 0) connections_.erase(at);
}

RateLimit::Verdict ClientLimits::take_token(const http::RequestHead& head, const Client& client,
                                            int route, i64 now) {
  std::string key;
  if (key_ == Key::header) {
    const http::Field* const field = head.find(header_);
    if (field != nullptr) key = std::string("field ").append(field->value);
  } else if (key_ == Key::route) {
    key = "route " + std::to_string(route);
  }
  // Whoever does not send the field is told apart by address.
  if (key.empty()) key = client_key(client.address);
  return rate_->take(key, now);
}

}  // namespace labcoat::edge
