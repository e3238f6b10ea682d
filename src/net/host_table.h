// HostTable: which certificate a client gets for the name it asks for (SNI, RFC 6066 section 3).
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

namespace labcoat::net {

// Names as in certificates: "shop.example", or "*.shop.example" for one more label (RFC 6125
// section 6.4.3). Letters are alike in both cases.
class HostTable {
 public:
  // The first to name a host keeps it.
  void add(std::string_view host, size_t value);
  // The value of the name itself, else of the wildcard that covers it, else `otherwise`.
  size_t find(std::string_view host, size_t otherwise) const;

 private:
  std::unordered_map<std::string, size_t> hosts_;
};

}  // namespace labcoat::net
