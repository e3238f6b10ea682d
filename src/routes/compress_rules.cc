#include "routes/compress_rules.h"

#include <algorithm>

#include "http/compress.h"
#include "http/field.h"
#include "http/framing.h"
#include "http/status.h"

namespace labcoat::routes {
namespace {

using http::ContentCoding;
using http::same_name;

constexpr unsigned bit_of(ContentCoding coding) {
  return 1U << static_cast<unsigned>(coding);
}

constexpr unsigned all_codings =
    bit_of(ContentCoding::br) | bit_of(ContentCoding::zstd) | bit_of(ContentCoding::gzip);

template <class Holds>
bool list_has(std::string_view list, const Holds& holds) {
  while (!list.empty()) {
    if (holds(http::next_element(list))) return true;
  }
  return false;
}

bool varies_already(std::string_view vary) {
  return list_has(vary, [](std::string_view name) {
    return name == "*" || same_name(name, "accept-encoding");
  });
}

// Fields that say that these very bytes must arrive.
bool keeps_bytes(const http::Field& field) {
  constexpr std::string_view names[] = {"content-encoding", "content-range", "content-md5",
                                        "digest",           "repr-digest",   "content-digest"};
  const bool named = std::any_of(std::begin(names), std::end(names), [&](std::string_view name) {
    return same_name(name, field.name);
  });
  if (named) return !same_name(field.value, "identity");
  return same_name(field.name, "cache-control") && list_has(field.value, [](std::string_view word) {
           return same_name(word, "no-transform");
         });
}

}  // namespace

unsigned codings_of(const std::vector<std::string>& words, CodingDefault otherwise) {
  if (words.empty()) return otherwise.by_default ? all_codings : 0;
  unsigned codings = 0;
  for (const std::string& word : words) {
    if (word == "on") codings = all_codings;
    for (const auto coding : {ContentCoding::br, ContentCoding::zstd, ContentCoding::gzip}) {
      if (word == http::name_of(coding)) codings |= bit_of(coding);
    }
  }
  return codings;
}

CompressRules::CompressRules(const config::Route& route)
    : codings_(codings_of(route.compress, {.by_default = false})), bytes_min_(route.compress_min) {
  for (const std::string& type : route.compress_types) {
    types_.push_back(http::Pattern::of_value(type));
  }
}

bool CompressRules::is_for_type(std::string_view content_type) const {
  if (types_.empty()) return http::is_compressible(content_type);
  const std::string_view type = content_type.substr(0, content_type.find_first_of("; \t"));
  return std::any_of(types_.begin(), types_.end(),
                     [&](const http::Pattern& pattern) { return pattern.matches(type); });
}

bool CompressRules::is_for(const answer::Response& response) const {
  if (codings_ == 0 || response.status == 206 || http::forbids_body(response.status)) return false;
  if (response.body_bytes >= 0 && response.body_bytes < bytes_min_) return false;
  bool fits = false;
  for (const http::Field& field : response.fields) {
    if (keeps_bytes(field)) return false;
    fits = fits || (same_name(field.name, "content-type") && is_for_type(field.value));
  }
  return fits;
}

void add_vary(answer::Response& response) {
  const bool there =
      std::any_of(response.fields.begin(), response.fields.end(), [](const http::Field& field) {
        return same_name(field.name, "vary") && varies_already(field.value);
      });
  if (!there) response.fields.push_back({"Vary", "Accept-Encoding"});
}

void weaken_tag(answer::Response& response, std::string& text) {
  for (http::Field& field : response.fields) {
    if (!same_name(field.name, "etag") || !field.value.starts_with('"')) continue;
    text.assign("W/").append(field.value);
    field.value = text;
    return;
  }
}

void put_into_coding(answer::Response& response, ContentCoding coding, std::string& text) {
  weaken_tag(response, text);
  // Parts of it cannot be asked for; "identity" was said by the app.
  std::erase_if(response.fields, [](const http::Field& field) {
    return same_name(field.name, "accept-ranges") || same_name(field.name, "content-encoding");
  });
  response.fields.push_back({"Content-Encoding", http::name_of(coding)});
  response.body_bytes = -1;
}

}  // namespace labcoat::routes
