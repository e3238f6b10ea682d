#include "config/settings.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

#include "base/ip_address.h"
#include "base/text.h"
#include "config/log_format.h"
#include "config/options.h"
#include "config/rate.h"

namespace labcoat::config {
namespace {

bool is_identifier(std::string_view word) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
  };
  return !word.empty() && letter(word[0]) && std::all_of(word.begin(), word.end(), [&](char c) {
    return letter(c) || (c >= '0' && c <= '9');
  });
}

bool is_dotted(std::string_view words) {
  const auto parts = split(words, '.');
  return std::all_of(parts.begin(), parts.end(), is_identifier);
}

std::string target_example(std::string_view target) {
  // What people type first is the file.
  if (target.ends_with(".py") && target.find('/') == target.npos) {
    return fmt::format("; did you mean '{}:app'?", target.substr(0, target.size() - 3));
  }
  return ", such as 'shop.wsgi:app' or 'shop:create_app()'";
}

Status check_target(const Text& text) {
  std::string_view rest = text.value;
  if (rest.ends_with("()")) rest.remove_suffix(2);
  const size_t colon = rest.find(':');
  if (colon != rest.npos && is_dotted(rest.substr(0, colon)) && is_dotted(rest.substr(colon + 1))) {
    return {};
  }
  return fail_at(text.where, fmt::format("'{}' is not MODULE:CALLABLE{}", text.value,
                                         target_example(text.value)));
}

Status check_proxies(const Text& text) {
  for (const std::string_view word : split(text.value, ' ')) {
    if (word.empty() || word == "unix" || parse_network(word)) continue;
    return fail_at(text.where,
                   fmt::format("trusted_proxies: '{}' is not an address, a network such "
                               "as 10.0.0.0/8 (nothing behind its prefix), or unix",
                               word));
  }
  return {};
}

// As a client would ask for it: visible ASCII, no fragment.
bool is_url_or_path(std::string_view word) {
  const bool visible = std::all_of(word.begin(), word.end(),
                                   [](char c) { return c > ' ' && c < '\x7f' && c != '#'; });
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (word.starts_with(scheme)) word.remove_prefix(scheme.size() - 1);
  }
  return visible && word.starts_with('/') && !word.starts_with("//");
}

Status check_warm_up(const Text& text) {
  for (const std::string_view word : split(text.value, ' ')) {
    if (word.empty() || is_url_or_path(word)) continue;
    return fail_at(text.where, fmt::format("warm_up: '{}' is not a path such as /shop?page=2, nor "
                                           "http://HOST/PATH or https://HOST/PATH",
                                           word));
  }
  return {};
}

Status check_rate_key(const Text& text) {
  const std::string_view key = text.value;
  const bool named =
      key.starts_with("header.") && key.size() > 7 && key.find_first_of(" :_", 7) == key.npos;
  if (key == "address" || key == "route" || named) return {};
  return fail_at(text.where,
                 fmt::format("rate_key: '{}' is not address, route, or header.NAME", key));
}

Status check_access_log(const Text& text, std::string_view name) {
  const std::string_view value = text.value;
  const bool is_url = value.find("://") != value.npos;
  const bool is_word = value == "on" || value == "true" || value == "yes";
  if (!value.empty() && !is_url && !is_word) return {};
  if (value.starts_with("syslog+udp://")) {
    const std::string_view rest = value.substr(13);
    const size_t colon = rest.rfind(':');
    const auto port = parse_int(colon == rest.npos ? "" : rest.substr(colon + 1));
    if (colon != 0 && port && *port >= 1 && *port <= 65535) return {};
  }
  return fail_at(
      text.where,
      fmt::format("{}: '{}' is not off, -, the name of a file, or syslog+udp://HOST:PORT", name,
                  value));
}

Result<Listen> parse_tcp(const Text& url, Listen::Kind kind, std::string_view rest) {
  const auto bad = [&](const char* why) {
    return fail_at(url.where, fmt::format("'{}' {}; expected http://HOST:PORT, https://HOST:PORT "
                                          "or unix:PATH",
                                          url.value, why));
  };
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find_first_of("/?#@ ") != rest.npos) return bad("has more than a host and a port");
  const size_t colon = rest.rfind(':');
  const size_t bracket = rest.rfind(']');
  if (colon == rest.npos || (bracket != rest.npos && colon < bracket)) return bad("has no port");
  std::string_view host = rest.substr(0, colon);
  const auto port = parse_int(rest.substr(colon + 1));
  if (!port || *port < 0 || *port > 65535) return bad("has a port that is not from 0 to 65535");
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty()) return bad("has no host");
  if (!bracketed && host.find(':') != host.npos) {
    return bad("has an IPv6 address without brackets");
  }
  Listen listen;
  listen.kind = kind;
  listen.host = host;
  listen.port = static_cast<int>(*port);
  listen.url = url.value;
  return listen;
}

}  // namespace

tl::unexpected<Error> fail_at(std::string_view where, std::string_view text) {
  return fail(fmt::format("{}: {}", where, text));
}

std::string unknown_key(std::string_view owner, std::string_view word,
                        const std::vector<std::string_view>& known) {
  const std::string_view nearest = nearest_word(word, known);
  if (!nearest.empty()) {
    return fmt::format("{} has no key '{}'; did you mean '{}'?", owner, word, nearest);
  }
  return fmt::format("{} has no key '{}'; it may have {}", owner, word, fmt::join(known, ", "));
}

std::vector<std::string_view> option_names(std::string_view section) {
  std::vector<std::string_view> names;
  for (const Option& row : options()) {
    if (section.empty() || section == row.section) names.emplace_back(row.name);
  }
  return names;
}

Status check_setting(const Option& option, const Text& text) {
  const std::string_view name = option.name;
  if (name == "target") return check_target(text);
  if (name == "access_log" || name == "slow_log") return check_access_log(text, name);
  if (name == "trusted_proxies") return check_proxies(text);
  if (name == "warm_up") return check_warm_up(text);
  if (name == "rate_key") return check_rate_key(text);
  if (name == "rate_limit") {
    const auto rate = parse_rate(text.value);
    if (!rate) return fail_at(text.where, fmt::format("{}: {}", name, rate.error().text));
    return {};
  }
  if (name == "access_log_format") {
    const auto format = parse_log_format(text.value);
    if (!format) return fail_at(text.where, fmt::format("{}: {}", name, format.error().text));
    return {};
  }
  if (const Status status = check_option_value(option, text.value); !status) {
    return fail_at(text.where, fmt::format("{}: {}", name, status.error().text));
  }
  return {};
}

Result<Listen> parse_listen(const Text& url, const std::string& directory) {
  const std::string_view value = url.value;
  if (value.starts_with("http://")) return parse_tcp(url, Listen::Kind::http, value.substr(7));
  if (value.starts_with("https://")) return parse_tcp(url, Listen::Kind::https, value.substr(8));
  if (value.starts_with("unix:") && value.size() > 5) {
    Listen listen;
    listen.kind = Listen::Kind::unix_socket;
    listen.path = absolute_path(std::string(value.substr(5)), directory);
    listen.url = url.value;
    constexpr size_t path_bytes_max = 107;  // sockaddr_un
    if (listen.path.size() <= path_bytes_max) return listen;
    return fail_at(url.where,
                   fmt::format("'{}' is longer than the {} bytes that the path of a unix "
                               "socket may have",
                               listen.path, path_bytes_max));
  }
  return fail_at(
      url.where,
      fmt::format("'{}' is not http://HOST:PORT, https://HOST:PORT or unix:PATH", value));
}

std::string absolute_path(const std::string& path, const std::string& directory) {
  std::string text = (std::filesystem::path(directory) / path).lexically_normal().string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

}  // namespace labcoat::config
