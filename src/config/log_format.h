// The words of `access_log_format`: combined, json, or text with {fields}. Parsed once, when the
// configuration is read; docs/logs.md explains each field.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace labcoat::config {

// The one list of fields, in the order of a line in JSON.
#define LABCOAT_LOG_FIELDS(X) \
  X(time)                     \
  X(time_local)               \
  X(time_unix)                \
  X(remote_addr)              \
  X(remote_port)              \
  X(peer_addr)                \
  X(user)                     \
  X(request)                  \
  X(method)                   \
  X(target)                   \
  X(path)                     \
  X(query)                    \
  X(protocol)                 \
  X(scheme)                   \
  X(host)                     \
  X(status)                   \
  X(bytes)                    \
  X(referer)                  \
  X(user_agent)               \
  X(queue_us)                 \
  X(service_us)               \
  X(total_us)                 \
  X(tls_version)              \
  X(route)                    \
  X(app)                      \
  X(worker)                   \
  X(request_id)

enum class LogField : u8 {
#define LABCOAT_LOG_FIELD(name) name,
  LABCOAT_LOG_FIELDS(LABCOAT_LOG_FIELD)
#undef LABCOAT_LOG_FIELD
      header,  // {header.NAME}: a field of the request, by its name
};

struct LogPiece {
  std::string before;  // the text between the field before and this one
  LogField field = LogField::time;
  std::string header;   // of LogField::header: its name
  bool quoted = false;  // stands between double quotes
};

struct LogFormat {
  bool json = false;
  std::vector<LogPiece> pieces;
  std::string after;  // the text behind the last field
};

// "combined"; "json", "json FIELD FIELD …"; or text with at least one {FIELD}, in which {{ and }}
// are braces. Errors name the word and the nearest field.
Result<LogFormat> parse_log_format(std::string_view text);

std::span<const std::string_view> log_field_names();
std::string log_field_name(const LogPiece& piece);

}  // namespace labcoat::config
