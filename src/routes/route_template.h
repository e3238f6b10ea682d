// A text with variables, "https://{host}{path}{query}", made once from the configuration and
// filled per request. What variables mean: docs/routes.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "http/pattern.h"
#include "http/request.h"

namespace labcoat::routes {

// What the variables of a request are taken from.
struct TemplateFacts {
  const http::RequestHead* head = nullptr;  // of a response's header: none
  std::string_view host = {};               // without port
  std::string_view path = {};               // decoded
  bool https = false;
  std::string_view remote_address = {};
  u64 request_id = 0;
  const http::Pattern::Stars* stars = nullptr;
};

class RouteTemplate {
 public:
  RouteTemplate() = default;
  // Of a text that the configuration has checked.
  explicit RouteTemplate(std::string_view text);

  bool empty() const { return pieces_.empty(); }
  // Without variables the text is its own.
  bool is_constant() const { return pieces_.size() < 2 && !has_variable_; }
  std::string_view constant() const {
    return pieces_.empty() ? std::string_view() : std::string_view(pieces_[0].text);
  }

  // Appends it as it may stand in a URL or a header: what came decoded is encoded again.
  void fill(const TemplateFacts& facts, std::string& out) const;
  // Appends it as a decoded path.
  void fill_path(const TemplateFacts& facts, std::string& out) const;

 private:
  enum class Variable : u8 {
    none,
    path,
    query,
    more_query,  // there is a '?' before it
    host,
    scheme,
    method,
    remote_address,
    request_id,
    star,
  };
  struct Piece {
    std::string text;
    Variable variable = Variable::none;
    size_t star = 0;
  };
  static void fill_piece(const Piece& piece, const TemplateFacts& facts, std::string& out);

  std::vector<Piece> pieces_;
  bool has_variable_ = false;
};

// Appends a text percent-encoded where it may not stand in the path of a URL; "%" is kept when
// `is_encoded`.
void append_encoded(std::string_view text, bool is_encoded, std::string& out);

}  // namespace labcoat::routes
