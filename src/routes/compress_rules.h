// What a route compresses, and what that does to the head of an app's answer. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "answer/response.h"
#include "config/route.h"
#include "http/accept_encoding.h"
#include "http/pattern.h"

namespace labcoat::routes {

// The route's word "compress" as bits (1 << ContentCoding).
struct CodingDefault {
  bool by_default = false;  // all of them where it says nothing
};
unsigned codings_of(const std::vector<std::string>& words, CodingDefault otherwise);

// Of the answers of apps.
class CompressRules {
 public:
  CompressRules() = default;
  explicit CompressRules(const config::Route& route);

  // Bits of the codings that are made; 0: nothing is compressed.
  unsigned codings() const { return codings_; }
  // Whether clients get this answer in a coding if they like one better: then it varies. Not what
  // has a coding or is a part already, has a digest of its bytes, or must not be transformed (RFC
  // 9110 section 7.7); nor what is too small or of another type.
  bool is_for(const answer::Response& response) const;

 private:
  bool is_for_type(std::string_view content_type) const;

  unsigned codings_ = 0;
  i64 bytes_min_ = 0;
  std::vector<http::Pattern> types_;
};

// Adds "Vary: Accept-Encoding" where nothing says so yet.
void add_vary(answer::Response& response);
// A strong tag names bytes; those that we make have a weak one. `text` is pointed into.
void weaken_tag(answer::Response& response, std::string& text);
// The same answer in a coding, whose length nobody knows yet. `text` is pointed into.
void put_into_coding(answer::Response& response, http::ContentCoding coding, std::string& text);

}  // namespace labcoat::routes
