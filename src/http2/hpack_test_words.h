// Words that the tests and benchmarks of HPACK share.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/ascii.h"
#include "http2/hpack_decoder.h"

namespace labcoat::http2 {

using Fields = std::vector<std::pair<std::string, std::string>>;

// The head of an answer with a small file.
inline const Fields cached_file = {{":status", "200"},
                                   {"server", "labcoat"},
                                   {"date", "Sun, 22 Nov 2026 07:30:11 GMT"},
                                   {"content-type", "text/html; charset=utf-8"},
                                   {"content-length", "612"},
                                   {"last-modified", "Thu, 29 Oct 2026 17:05:52 GMT"},
                                   {"etag", "\"18a2f0c3b7d51e00-264\""},
                                   {"accept-ranges", "bytes"}};

// "8286 8441 0f" as bytes.
inline std::string hex(std::string_view digits) {
  std::string bytes;
  int high = -1;
  for (const char c : digits) {
    if (c == ' ') continue;
    if (high < 0) {
      high = http::hex_value(c);
    } else {
      bytes.push_back(static_cast<char>(high * 16 + http::hex_value(c)));
      high = -1;
    }
  }
  return bytes;
}

class Listener final : public FieldSink {
 public:
  explicit Listener(size_t fields_max = 1'000'000) : fields_max_(fields_max) {}
  bool on_field(std::string_view name, std::string_view value) override {
    fields.emplace_back(name, value);
    return fields.size() < fields_max_;
  }
  Fields fields;

 private:
  const size_t fields_max_;
};

inline Fields entries_of(const DynamicTable& table) {
  Fields fields;
  for (u32 i = 0; i < table.count(); ++i) {
    fields.emplace_back(table.name(i), table.value(i));
  }
  return fields;
}

}  // namespace labcoat::http2
