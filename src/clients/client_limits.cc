#include "clients/client_limits.h"

#include <algorithm>
#include <random>

#include "base/check.h"
#include "base/ip_address.h"
#include "clients/client.h"
#include "config/rate.h"

namespace labcoat::clients {
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

void ClientLimits::set_key(Rule& rule, const std::string& key) {
  if (key == "route") rule.key = Key::route;
  if (!key.starts_with(header_prefix)) return;
  rule.key = Key::header;
  rule.header = key.substr(header_prefix.size());
}

ClientLimits::ClientLimits(const config::Config& config)
    : connections_max_(config.limits.connections_per_address) {
  const config::Limits& limits = config.limits;
  rule_.rate.interval_ns = limits.rate_interval_ns;
  rule_.rate.burst = limits.rate_burst > 0 ? limits.rate_burst : limits.rate_per_second;
  set_key(rule_, limits.rate_key);
  bool any = rule_.rate.interval_ns != 0;
  for (size_t i = 0; i < config.routes.size(); ++i) {
    const config::Route& route = config.routes[i];
    if (route.rate_limit.empty()) continue;
    const auto rate = config::parse_rate(route.rate_limit);
    CHECK(rate.has_value());  // it was when the configuration was read
    Rule rule;
    rule.rate.interval_ns = rate->interval_ns;
    rule.rate.burst = route.rate_burst > 0 ? route.rate_burst : rate->per_second;
    rule.scope = std::to_string(i) + " ";
    set_key(rule, route.rate_key.empty() ? limits.rate_key : route.rate_key);
    any = any || rule.rate.interval_ns != 0;
    route_rules_.emplace(static_cast<int>(i), std::move(rule));
  }
  if (!any) return;
  buckets_ = std::make_unique<RateLimit>(RateLimit::Options{
      .buckets = static_cast<size_t>(limits.rate_buckets), .secret = random_secret()});
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
                                            int route, i64 now) const {
  const Rule& rule = rule_of(route);
  std::string key = rule.scope;
  const http::Field* const field = rule.key == Key::header ? head.find(rule.header) : nullptr;
  if (field != nullptr) {
    key.append("field ").append(field->value);
  } else if (rule.key == Key::route) {
    key.append("route ").append(std::to_string(route));
  } else {
    // Whoever does not send the field is told apart by address.
    key.append(client_key(client.address));
  }
  return buckets_->take(key, rule.rate, now);
}

}  // namespace labcoat::clients
