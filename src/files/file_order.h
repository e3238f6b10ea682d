// FileOrder: an app's answer that only names the file to be sent (X-Accel-Redirect, X-Sendfile),
// and what is kept of its request so that conditions, codings and ranges are the client's. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "answer/response.h"
#include "http/request.h"

namespace labcoat::files {

// The parts of a request that decide which bytes of a file are sent.
class KeptRequest {
 public:
  // `host`: that the client asked for.
  KeptRequest(const http::RequestHead& head, std::string_view host);
  // As the request would have been for the file itself: HEAD stays, everything else becomes GET,
  // and only of GET and HEAD there are conditions and ranges. Points into this object.
  void fill(http::RequestHead& out) const;

 private:
  struct Kept {
    std::string name, value;
  };
  std::string host_;
  bool is_head_ = false;
  std::vector<Kept> fields_;
};

class FileOrder {
 public:
  enum class Kind : u8 { none, redirect, path };
  // Whether the head is an order, of those that are understood here. The value is what is named.
  struct Understood {
    bool redirect = false;  // X-Accel-Redirect
    bool path = false;      // X-Sendfile
  };
  static Kind find(const answer::Response& response, Understood understood,
                   std::string_view& value);

  FileOrder(Kind kind, std::string_view value, const answer::Response& response);

  Kind kind() const { return kind_; }
  const std::string& value() const { return value_; }
  // The app has put the file into a coding itself: no other one is chosen.
  bool is_coded() const { return coded_; }
  // The fields of the answer: the app's, and of the file's own `lines` what the app does not say.
  // What describes bytes is always the file's.
  void describe(answer::Response& response, std::string_view lines, std::string& out) const;

 private:
  Kind kind_;
  std::string value_;
  std::string lines_;  // the app's
  bool has_date_, has_server_;
  bool has_type_ = false, has_cache_control_ = false, coded_ = false;
};

}  // namespace labcoat::files
