// Conditional requests, RFC 9110 section 13: what the fields of a request want to hold of a
// representation before it is sent.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/request.h"

namespace labcoat::http {

// The fields that decide which bytes of a representation are sent, found in one walk. Without data:
// not given.
struct SelectionFields {
  std::string_view if_match, if_none_match, if_modified_since, if_unmodified_since, if_range;
  std::string_view range;
  std::string_view accept_encoding;
  bool any = false;  // one of these but Accept-Encoding

  explicit SelectionFields(const RequestHead& request);
};

// A representation's own. `tag` with its quotes (and W/ when it is a weak one).
struct Validators {
  std::string_view tag;
  int64_t modified_s = 0;
};

enum class Condition { holds, not_modified, failed };  // go on, 304, 412

// Section 13.2.2, for GET and HEAD.
Condition check_conditions(const SelectionFields& fields, const Validators& validators);

// Whether Range counts: If-Range is absent or names this very representation.
bool range_applies(const SelectionFields& fields, const Validators& validators);

}  // namespace labcoat::http
