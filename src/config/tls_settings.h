// What the sources say about TLS, put together. That the files hold what they should is the edge's
// to find out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/settings.h"

namespace labcoat::config {

// The command line's, if it names any; else the file's.
const std::vector<CertificateTable>& certificates_of(const Settings& line,
                                                     const std::optional<Settings>& file);

// Fills config.tls.certificates, and judges what the options say together with the listeners.
Status set_tls(const Settings& line, const std::optional<Settings>& file, Config& config);

// What an https listener lacks.
std::string no_certificate(std::string_view url);

}  // namespace labcoat::config
