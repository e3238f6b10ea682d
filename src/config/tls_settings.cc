#include "config/tls_settings.h"

#include <algorithm>
#include <fmt/format.h>

namespace labcoat::config {
namespace {

// "shop.example", "*.shop.example"
bool is_host(std::string_view host) {
  if (host.starts_with("*.")) host.remove_prefix(2);
  return !host.empty() && host.find_first_of("*/: \t") == host.npos;
}

}  // namespace

const std::vector<CertificateTable>& certificates_of(const Settings& line,
                                                     const std::optional<Settings>& file) {
  return line.certificates.empty() && file ? file->certificates : line.certificates;
}

Status set_tls(const Settings& line, const std::optional<Settings>& file, Config& config) {
  const std::string& directory =
      line.certificates.empty() && file ? file->directory : line.directory;
  for (const CertificateTable& table : certificates_of(line, file)) {
    Tls::Certificate& certificate = config.tls.certificates.emplace_back();
    const std::string& key = table.key.value.empty() ? table.file.value : table.key.value;
    certificate.file = absolute_path(table.file.value, directory);
    certificate.key = absolute_path(key, directory);
    for (const Text& host : table.hosts) {
      if (!is_host(host.value)) {
        return fail_at(host.where, fmt::format("tls.certificate.hosts: '{}' is not a host such as "
                                               "shop.example or *.shop.example",
                                               host.value));
      }
      certificate.hosts.push_back(host.value);
    }
  }
  if (config.tls.client_certificates != "off" && config.tls.client_ca.empty()) {
    return fail_at(config.sources["tls.client_certificates"],
                   "client_certificates needs client_ca, the file with the authorities that sign "
                   "them");
  }
  const bool has_https =
      std::any_of(config.listen.begin(), config.listen.end(),
                  [](const Listen& one) { return one.kind == Listen::Kind::https; });
  if (config.tls.redirect_port != 0 && !has_https) {
    return fail_at(config.sources["tls.redirect_https"],
                   "redirect_https needs a listener to redirect to, such as https://[::]:443");
  }
  return {};
}

std::string no_certificate(std::string_view url) {
  return fmt::format(
      "'{}' needs a certificate: [[tls.certificate]] with file and key in the configuration file, "
      "or --certificate FILE,KEY; docs/tls.md shows how to make one for development",
      url);
}

}  // namespace labcoat::config
