#include "http/conditions.h"

#include "http/date.h"
#include "http/field.h"
#include "http/framing.h"

namespace labcoat::http {
namespace {

// Takes the first entity tag off a list; false at its end, or when what follows is none. A comma
// may stand inside of the quotes.
bool next_tag(std::string_view& list, std::string_view& tag) {
  const size_t begin = list.find_first_not_of(", \t");
  if (begin == list.npos) return false;
  list.remove_prefix(begin);
  const size_t open = list.starts_with("W/") ? 2 : 0;
  if (open >= list.size() || list[open] != '"') return false;
  const size_t close = list.find('"', open + 1);
  if (close == list.npos) return false;
  tag = list.substr(0, close + 1);
  list.remove_prefix(close + 1);
  return true;
}

bool is_weak(std::string_view tag) {
  return tag.starts_with("W/");
}

std::string_view without_weakness(std::string_view tag) {
  return is_weak(tag) ? tag.substr(2) : tag;
}

// Section 8.8.3.2: strongly the same are two tags that are alike and both strong.
bool list_has(std::string_view list, std::string_view tag, bool strongly) {
  if (trim_ows(list) == "*") return true;
  for (std::string_view one; next_tag(list, one);) {
    if (strongly ? one == tag && !is_weak(tag) : without_weakness(one) == without_weakness(tag)) {
      return true;
    }
  }
  return false;
}

bool given(std::string_view value) {
  return value.data() != nullptr;
}

}  // namespace

SelectionFields::SelectionFields(const RequestHead& request) {
  for (size_t i = 0; i < request.field_count; ++i) {
    const Field& field = request.fields[i];
    // By length first: most fields are none of these.
    const auto take = [&field](std::string_view name, std::string_view& out) {
      if (out.data() != nullptr || !same_name(field.name, name)) return false;
      out = field.value;
      return true;
    };
    switch (field.name.size()) {
      case 5:
        any = take("range", range) || any;
        break;
      case 8:
        any = take("if-match", if_match) || take("if-range", if_range) || any;
        break;
      case 13:
        any = take("if-none-match", if_none_match) || any;
        break;
      case 15:
        take("accept-encoding", accept_encoding);
        break;
      case 17:
        any = take("if-modified-since", if_modified_since) || any;
        break;
      case 19:
        any = take("if-unmodified-since", if_unmodified_since) || any;
        break;
      default:
        break;
    }
  }
}

Condition check_conditions(const SelectionFields& fields, const Validators& validators) {
  if (given(fields.if_match)) {
    if (!list_has(fields.if_match, validators.tag, /*strongly=*/true)) return Condition::failed;
  } else if (given(fields.if_unmodified_since)) {
    const auto date = parse_date(fields.if_unmodified_since);
    if (date && validators.modified_s > *date) return Condition::failed;
  }
  if (given(fields.if_none_match)) {
    const bool same = list_has(fields.if_none_match, validators.tag, /*strongly=*/false);
    return same ? Condition::not_modified : Condition::holds;
  }
  if (given(fields.if_modified_since)) {
    const auto date = parse_date(fields.if_modified_since);
    if (date && validators.modified_s <= *date) return Condition::not_modified;
  }
  return Condition::holds;
}

bool range_applies(const SelectionFields& fields, const Validators& validators) {
  if (!given(fields.if_range)) return true;
  if (fields.if_range.starts_with('"')) return fields.if_range == validators.tag;
  const auto date = parse_date(fields.if_range);
  return date && *date == validators.modified_s;
}

}  // namespace labcoat::http
