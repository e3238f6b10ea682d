#include "config/route_toml.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

#include "config/route_keys.h"
#include "config/toml_words.h"

namespace labcoat::config {
namespace {

// What a site may have besides what answers at its hosts.
constexpr std::string_view site_keys[] = {"name",     "host",   "files",        "app",
                                          "redirect", "answer", "content_type", "status"};

bool may_stand_in_site(const RouteKey& key) {
  return key.for_site ||
         std::find(std::begin(site_keys), std::end(site_keys), key.name) != std::end(site_keys);
}

std::optional<std::string> scalar(const toml::node& node, RouteKind kind) {
  const auto text = node.value_exact<std::string>();
  if (const auto flag = node.value_exact<bool>();
      flag && (kind == RouteKind::flag || kind == RouteKind::words)) {
    return *flag ? "on" : "off";
  }
  const bool is_number =
      kind == RouteKind::integer || kind == RouteKind::duration || kind == RouteKind::size;
  if (is_number) {
    if (const auto number = node.value_exact<i64>()) return std::to_string(*number);
    if (kind == RouteKind::integer) return std::nullopt;
    if (const auto real = node.value_exact<double>()) return fmt::format("{}", *real);
  }
  return text;
}

class RouteReader {
 public:
  explicit RouteReader(const std::string& file) : file_(file) {}

  Status read_list(const toml::node& node, const char* shown,
                   Status (RouteReader::*read_one)(const toml::table&)) {
    const toml::array* list = node.as_array();
    if (list == nullptr) {
      return wrong_type(file_, node, shown, fmt::format("a table for each, [[{}]]", shown));
    }
    for (const toml::node& element : *list) {
      const toml::table* table = element.as_table();
      if (table == nullptr) {
        return wrong_type(file_, element, shown, fmt::format("a table, [[{}]]", shown));
      }
      if (const Status status = (this->*read_one)(*table); !status) return status;
    }
    return {};
  }

  Status read_route(const toml::table& table) {
    RouteTable route{place_of(file_, table), {}};
    const Status status = read_keys(table, "route", route);
    if (status) add(table, std::move(route));
    return status;
  }

  Status read_site(const toml::table& table) {
    site_ = {place_of(file_, table), {}};
    const Status status = read_keys(table, "site", site_);
    if (!status) return status;
    const auto has = [&](std::string_view key) {
      return std::any_of(site_.values.begin(), site_.values.end(),
                         [&](const RouteValue& value) { return key == value.key->name; });
    };
    if (!has("host")) {
      return fail_at(site_.where, "this site has no host, such as host = \"example.org\"");
    }
    const toml::node* routes = table.get("route");
    if (routes != nullptr) {
      const Status read = read_list(*routes, "site.route", &RouteReader::read_site_route);
      if (!read) return read;
    }
    const bool answers =
        has("files") || has("app") || has("redirect") || has("answer") || has("status");
    if (!answers && routes == nullptr) {
      return fail_at(site_.where, "this site has no route and nothing that answers");
    }
    // Behind its own routes, whose lines follow the site's.
    if (answers) {
      out_.push_back({routes == nullptr ? line_of(table) : last_line_, sequence_++, site_});
    }
    return {};
  }

  std::vector<RouteTable> take() {
    std::sort(out_.begin(), out_.end(), [](const Placed& a, const Placed& b) {
      return a.line != b.line ? a.line < b.line : a.sequence < b.sequence;
    });
    std::vector<RouteTable> tables;
    tables.reserve(out_.size());
    for (Placed& placed : out_) tables.push_back(std::move(placed.table));
    return tables;
  }

 private:
  struct Placed {
    u32 line;
    int sequence;
    RouteTable table;
  };

  static u32 line_of(const toml::node& node) { return node.source().begin.line; }

  void add(const toml::table& table, RouteTable route) {
    last_line_ = line_of(table);
    out_.push_back({last_line_, sequence_++, std::move(route)});
  }

  // What the site says of headers comes first, so that the route has the last word.
  Status read_site_route(const toml::table& table) {
    RouteTable route{place_of(file_, table), {}};
    for (const RouteValue& value : site_.values) {
      const bool is_host = std::string_view(value.key->name) == "host";
      if (value.key->for_site || is_host) route.values.push_back(value);
    }
    if (const toml::node* host = table.get("host")) {
      return fail_at(place_of(file_, *host),
                     "site.route.host: the hosts of a site stand in its [[site]]");
    }
    const Status status = read_keys(table, "site.route", route);
    if (status) add(table, std::move(route));
    return status;
  }

  Status read_keys(const toml::table& table, std::string_view shown, RouteTable& out) {
    const bool is_site = shown == "site";
    for (const auto& [name, node] : table) {
      if (is_site && name.str() == "route") continue;
      const RouteKey* key = find_route_key(name.str());
      if (key == nullptr || (is_site && !may_stand_in_site(*key))) {
        return fail_at(place_of(file_, node),
                       unknown_key(fmt::format("[[{}]]", shown), name.str(), known_keys(is_site)));
      }
      const std::string full = fmt::format("{}.{}", shown, key->name);
      RouteValue value{key, full, place_of(file_, node), {}, {}};
      if (const Status status = read_value(node, full, value); !status) return status;
      out.values.push_back(std::move(value));
    }
    return {};
  }

  static std::vector<std::string_view> known_keys(bool of_site) {
    std::vector<std::string_view> names;
    for (const RouteKey& key : route_keys()) {
      if (!of_site || may_stand_in_site(key)) names.emplace_back(key.name);
    }
    if (of_site) names.emplace_back("route");
    return names;
  }

  Status read_value(const toml::node& node, const std::string& full, RouteValue& out) {
    const RouteKey& key = *out.key;
    if (key.kind == RouteKind::pairs || key.kind == RouteKind::files) {
      return read_pairs(node, full, out);
    }
    const toml::array* list = node.as_array();
    const bool may_be_list = key.kind == RouteKind::texts || key.kind == RouteKind::words ||
                             key.kind == RouteKind::directories;
    if (may_be_list && list != nullptr) {
      if (list->empty()) return fail_at(out.where, full + " is an empty list");
      for (const toml::node& element : *list) {
        const auto text = element.value_exact<std::string>();
        if (!text) return wrong_type(file_, element, full, key.expected);
        out.items.push_back({*text, place_of(file_, element)});
      }
      return {};
    }
    const auto text = scalar(node, key.kind);
    if (!text) return wrong_type(file_, node, full, key.expected);
    out.items.push_back({*text, out.where});
    return {};
  }

  Status read_pairs(const toml::node& node, const std::string& full, RouteValue& out) {
    const toml::table* table = node.as_table();
    if (table == nullptr) return wrong_type(file_, node, full, out.key->expected);
    for (const auto& [name, value] : *table) {
      const auto text = value.value_exact<std::string>();
      const std::string shown = fmt::format("{}.{}", full, name.str());
      if (!text) return wrong_type(file_, value, shown, "text in quotes");
      const std::string where = place_of(file_, value);
      out.names.push_back({std::string(name.str()), where});
      out.items.push_back({*text, where});
    }
    return {};
  }

  const std::string& file_;
  RouteTable site_;  // the one whose routes are being read
  std::vector<Placed> out_;
  u32 last_line_ = 0;
  int sequence_ = 0;
};

}  // namespace

Result<std::vector<RouteTable>> read_route_tables(const std::string& file,
                                                  const toml::table& root) {
  RouteReader reader(file);
  Status status;
  if (const toml::node* routes = root.get("route")) {
    status = reader.read_list(*routes, "route", &RouteReader::read_route);
  }
  const toml::node* sites = root.get("site");
  if (status && sites != nullptr) {
    status = reader.read_list(*sites, "site", &RouteReader::read_site);
  }
  if (!status) return tl::unexpected(status.error());
  return reader.take();
}

}  // namespace labcoat::config
