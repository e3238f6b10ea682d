// Http2Head: the head of one HTTP/2 request while its fields arrive, and the RequestHead made of
// them. Pure: no sockets, no clock. What RFC 9113 section 8 calls malformed is told from what is
// well-formed and still refused: the first resets the stream, the second gets an answer. Targets,
// hosts and names obey the same rules as in HTTP/1, so that nothing behind sees a difference.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "http/request.h"

namespace labcoat::edge {

class Http2Head {
 public:
  // Forgets the last request; keeps the memory.
  void begin();
  // The same, and what follows are trailers: of them only is_malformed() is asked.
  void begin_trailers() {
    begin();
    regular_ = true;
  }
  // The next field, pseudo-fields (":method" …) included, in the order they came. What is beyond
  // the limits is only counted.
  void add(std::string_view name, std::string_view value, const http::RequestLimits& limits);
  // Of all fields so far, as RFC 9113 section 6.5.2 counts: names, values, and 32 for each.
  size_t list_bytes() const { return list_bytes_; }

  // A field has broken RFC 9113 section 8.2, or 8.3 among trailers.
  bool is_malformed() const { return broken_ != nullptr; }
  // What the `priority` field says, or nothing.
  std::string_view priority() const { return view(priority_); }

  enum class Verdict { good, malformed, refused };
  // After the last field. `out` is a fresh one; views in it point into this object and live until
  // its next change or move; finish() may be called again after a move. `refused` sets out.status
  // and out.why, `malformed` only out.why.
  Verdict finish(const http::RequestLimits& limits, http::RequestHead& out);

  // Gives back the memory of a long head.
  void shrink();

 private:
  // A piece of text_.
  struct Piece {
    u32 at = 0, bytes = 0;
  };
  struct StoredField {
    Piece name, value;
  };

  Piece store(std::string_view text);
  std::string_view view(Piece piece) const {
    return std::string_view(text_).substr(piece.at, piece.bytes);
  }
  void add_pseudo(std::string_view name, std::string_view value);
  void join_cookies();
  const char* why_malformed(http::RequestHead& out) const;
  Verdict read_target(const http::RequestLimits& limits, http::RequestHead& out) const;

  std::string text_;
  std::vector<StoredField> fields_;
  Piece method_, scheme_, authority_, path_, protocol_, host_, length_, expect_, priority_;
  std::string cookies_;
  size_t list_bytes_ = 0;
  bool regular_ = false;  // there was a field that is no pseudo-field
  bool has_host_ = false;
  bool has_length_ = false;
  bool has_expect_ = false;
  bool too_large_ = false;
  const char* broken_ = nullptr;  // why the first malformed field is
};

}  // namespace labcoat::edge
