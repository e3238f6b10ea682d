// Options of [tls].
#include "config/option_tables.h"

namespace labcoat::config {

std::span<const Option> tls_options() {
  using namespace bounds;
  static constexpr Option rows[] = {
      {.name = "client_certificates",
       .section = "tls",
       .type = OptionType::choice,
       .default_value = "off",
       .choices = "off optional required",
       .help = "Whether clients are asked for a certificate, signed by client_ca; the app gets its "
               "subject as SSL_CLIENT_S_DN. Optional: they may have none, but no bad one."},
      {.name = "client_ca",
       .section = "tls",
       .type = OptionType::text,
       .default_value = "",
       .help =
           "The authorities whose client certificates are good: a file with certificates (PEM)."},
      {.name = "kernel_tls",
       .section = "tls",
       .type = OptionType::boolean,
       .default_value = "on",
       .help =
           "Let the kernel encrypt, where it can (its module tls is loaded), so that files go out "
           "by sendfile."},
      {.name = "hsts",
       .section = "tls",
       .type = OptionType::duration,
       .default_value = "0s",
       .min = 0,
       .max = 10 * 366 * 24 * hour,
       .help = "For so long browsers shall use nothing but https for this host (RFC 6797), counted "
               "from each answer over https; 0s: say nothing about it. Hard to take back: begin "
               "with 5m, end with 8760h."},
      {.name = "hsts_subdomains",
       .section = "tls",
       .type = OptionType::boolean,
       .default_value = "off",
       .help = "hsts is also meant for every host below this one."},
      {.name = "redirect_https",
       .section = "tls",
       .type = OptionType::integer,
       .default_value = "off",
       .unit = "port",
       .min = 1,
       .max = 65535,
       .choices = "off on",
       .help = "Listeners without TLS only redirect to https: on, to the port of the first https "
               "listener; or to this port, when clients reach it under another one."},

      {.name = "request_target_bytes",
       .section = "limits",
       .type = OptionType::size,
       .default_value = "8KiB",
       .min = 64,
       .max = mib,
       .help = "Longest request target (path and query); longer ones are answered 414."},
  };
  return rows;
}

}  // namespace labcoat::config
