#include "http2/priority.h"

namespace labcoat::http2 {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_alpha(char c) {
  return is_lower(c) || (c >= 'A' && c <= 'Z');
}
// Of a tchar that is no letter or digit, RFC 9110 section 5.6.2.
bool is_token_mark(char c) {
  return std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// Reads structured fields (RFC 8941 section 4.2) as far as skipping what nobody asks for needs it.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  struct Item {
    enum class Kind : u8 { integer, boolean, other } kind = Kind::other;
    i64 number = 0;  // of an integer, or 0 and 1
  };

  bool at_end() const { return text_.empty(); }
  void skip_spaces() {
    while (!text_.empty() && text_[0] == ' ') text_.remove_prefix(1);
  }
  bool take(char c) {
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  // A comma between members, with whitespace around it, and something behind it.
  bool take_comma() {
    skip_white();
    if (!take(',')) return false;
    skip_white();
    return !at_end();
  }
  void skip_white() {
    while (!text_.empty() && (text_[0] == ' ' || text_[0] == '\t')) text_.remove_prefix(1);
  }
  bool key(std::string_view& out) {
    size_t size = 0;
    while (size < text_.size() && is_key_char(text_[size], size == 0)) ++size;
    out = text_.substr(0, size);
    text_.remove_prefix(size);
    return size > 0;
  }
  // The value behind "key=", parameters included.
  bool value(Item& out) {
    if (!text_.empty() && text_[0] == '(') return inner_list() && parameters();
    return bare_item(out) && parameters();
  }
  bool parameters() {
    while (take(';')) {
      skip_spaces();
      std::string_view name;
      Item ignored;
      if (!key(name) || (take('=') && !bare_item(ignored))) return false;
    }
    return true;
  }

 private:
  static bool is_key_char(char c, bool first) {
    if (is_lower(c) || c == '*') return true;
    return !first && (is_digit(c) || c == '_' || c == '-' || c == '.');
  }
  bool inner_list() {
    take('(');
    for (;;) {
      skip_spaces();
      if (take(')')) return true;
      Item ignored;
      if (!bare_item(ignored) || !parameters()) return false;
      if (text_.empty() || (text_[0] != ' ' && text_[0] != ')')) return false;
    }
  }
  bool bare_item(Item& out) {
    if (text_.empty()) return false;
    const char first = text_[0];
    if (first == '-' || is_digit(first)) return number(out);
    if (first == '"') return quoted();
    if (first == '?') return boolean(out);
    if (first == ':') return bytes();
    return token();
  }
  bool number(Item& out) {
    const bool negative = take('-');
    i64 number = 0;
    int digits = 0;
    for (; !text_.empty() && is_digit(text_[0]); ++digits, text_.remove_prefix(1)) {
      if (digits == 15) return false;
      number = number * 10 + (text_[0] - '0');
    }
    if (digits == 0) return false;
    if (take('.')) {
      int decimals = 0;
      for (; !text_.empty() && is_digit(text_[0]); ++decimals) text_.remove_prefix(1);
      return digits <= 12 && decimals >= 1 && decimals <= 3;
    }
    out = {Item::Kind::integer, negative ? -number : number};
    return true;
  }
  bool quoted() {
    take('"');
    while (!text_.empty()) {
      const char c = text_[0];
      text_.remove_prefix(1);
      if (c == '"') return true;
      if (c < 0x20 || c == 0x7f) return false;
      if (c == '\\' && !take('"') && !take('\\')) return false;
    }
    return false;
  }
  bool boolean(Item& out) {
    take('?');
    const bool yes = take('1');
    if (!yes && !take('0')) return false;
    out = {Item::Kind::boolean, yes ? 1 : 0};
    return true;
  }
  bool bytes() {
    take(':');
    while (!text_.empty()) {
      const char c = text_[0];
      text_.remove_prefix(1);
      if (c == ':') return true;
      if (!is_alpha(c) && !is_digit(c) && c != '+' && c != '/' && c != '=') return false;
    }
    return false;
  }
  bool token() {
    if (!is_alpha(text_[0]) && text_[0] != '*') return false;
    size_t size = 1;
    const auto goes_on = [](char c) {
      return is_alpha(c) || is_digit(c) || c == ':' || c == '/' || is_token_mark(c);
    };
    while (size < text_.size() && goes_on(text_[size])) ++size;
    text_.remove_prefix(size);
    return true;
  }

  std::string_view text_;
};

}  // namespace

bool read_priority(std::string_view field, Priority& out) {
  Reader reader(field);
  Priority read = out;
  reader.skip_spaces();
  while (!reader.at_end()) {
    std::string_view key;
    if (!reader.key(key)) return false;
    Reader::Item item{Reader::Item::Kind::boolean, 1};  // a key alone is true
    if (reader.take('=')) {
      item = {};
      if (!reader.value(item)) return false;
    } else if (!reader.parameters()) {
      return false;
    }
    // RFC 9218 section 4: a value of another type or out of range is ignored.
    if (key == "u" && item.kind == Reader::Item::Kind::integer && item.number >= 0 &&
        item.number < Priority::levels) {
      read.urgency = static_cast<u8>(item.number);
    } else if (key == "i" && item.kind == Reader::Item::Kind::boolean) {
      read.incremental = item.number == 1;
    }
    reader.skip_white();
    if (!reader.at_end() && !reader.take_comma()) return false;
  }
  out = read;
  return true;
}

}  // namespace labcoat::http2
