#include "routes/route_template.h"

#include <charconv>

#include "base/check.h"
#include "config/route_keys.h"

namespace labcoat::routes {
namespace {

bool may_stand_in_path(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~!$&'()*+,;=:@/").find(c) != std::string_view::npos;
}

void append_hex(u64 id, std::string& out) {
  for (int shift = 60; shift >= 0; shift -= 4) out.push_back("0123456789abcdef"[id >> shift & 15]);
}

// The path as sent. Two slashes at its beginning would name another host to whoever follows a
// redirect.
void append_raw_path(std::string_view path, std::string& out) {
  if (out.empty()) {
    while (path.starts_with("//")) path.remove_prefix(1);
  }
  append_encoded(path, /*is_encoded=*/true, out);
}

}  // namespace

void append_encoded(std::string_view text, bool is_encoded, std::string& out) {
  for (const char c : text) {
    if (may_stand_in_path(c) || (is_encoded && c == '%')) {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.push_back('%');
    out.push_back("0123456789ABCDEF"[byte >> 4]);
    out.push_back("0123456789ABCDEF"[byte & 15]);
  }
}

RouteTemplate::RouteTemplate(std::string_view text) {
  static constexpr std::pair<std::string_view, Variable> names[] = {
      {"path", Variable::path},
      {"query", Variable::query},
      {"host", Variable::host},
      {"scheme", Variable::scheme},
      {"method", Variable::method},
      {"remote_address", Variable::remote_address},
      {"request_id", Variable::request_id}};
  bool has_question_mark = false;
  config::for_each_piece(text, [&](std::string_view piece, bool is_variable) {
    Piece& made = pieces_.emplace_back();
    if (!is_variable) {
      made.text = piece;
      has_question_mark |= piece.find('?') != piece.npos;
      return;
    }
    has_variable_ = true;
    for (const auto& [name, variable] : names) {
      if (piece == name) made.variable = variable;
    }
    if (made.variable == Variable::query && has_question_mark) {
      made.variable = Variable::more_query;
    }
    if (made.variable != Variable::none) return;
    made.variable = Variable::star;
    std::from_chars(piece.data(), piece.data() + piece.size(), made.star);
    CHECK(made.star >= 1 && made.star <= http::Pattern::stars_max);
  });
}

void RouteTemplate::fill(const TemplateFacts& facts, std::string& out) const {
  for (const Piece& piece : pieces_) fill_piece(piece, facts, out);
}

void RouteTemplate::fill_path(const TemplateFacts& facts, std::string& out) const {
  for (const Piece& piece : pieces_) {
    if (piece.variable == Variable::path) {
      out.append(facts.path);
    } else if (piece.variable == Variable::star) {
      if (piece.star <= facts.stars->count) out.append(facts.stars->of[piece.star - 1]);
    } else {
      out.append(piece.text);
    }
  }
}

void RouteTemplate::fill_piece(const Piece& piece, const TemplateFacts& facts, std::string& out) {
  switch (piece.variable) {
    case Variable::none:
      out.append(piece.text);
      return;
    case Variable::path:
      append_raw_path(facts.head->path, out);
      return;
    case Variable::query:
    case Variable::more_query:
      if (!facts.head->has_query) return;
      out.push_back(piece.variable == Variable::query ? '?' : '&');
      out.append(facts.head->query);
      return;
    case Variable::host:
      out.append(facts.host);
      return;
    case Variable::scheme:
      out.append(facts.https ? "https" : "http");
      return;
    case Variable::method:
      out.append(facts.head->method);
      return;
    case Variable::remote_address:
      out.append(facts.remote_address);
      return;
    case Variable::request_id:
      append_hex(facts.request_id, out);
      return;
    case Variable::star:
      if (piece.star > facts.stars->count) return;
      std::string_view star = facts.stars->of[piece.star - 1];
      // As above: "/{1}" of "//host" would lead elsewhere.
      if (out.empty() || out == "/") {
        while (star.starts_with(out.empty() ? "//" : "/")) star.remove_prefix(1);
      }
      append_encoded(star, /*is_encoded=*/false, out);
      return;
  }
}

}  // namespace labcoat::routes
