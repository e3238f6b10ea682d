#include "net/host_table.h"

#include "base/text.h"

namespace labcoat::net {
namespace {

// "shop.example." is "shop.example".
std::string plain(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return to_lower(host);
}

}  // namespace

void HostTable::add(std::string_view host, size_t value) {
  hosts_.emplace(plain(host), value);
}

size_t HostTable::find(std::string_view host, size_t otherwise) const {
  std::string name = plain(host);
  if (const auto exact = hosts_.find(name); exact != hosts_.end()) return exact->second;
  const size_t dot = name.find('.');
  if (dot == name.npos || dot == 0) return otherwise;
  name.replace(0, dot, "*");
  const auto wildcard = hosts_.find(name);
  return wildcard == hosts_.end() ? otherwise : wildcard->second;
}

}  // namespace labcoat::net
