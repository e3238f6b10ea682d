// permessage-deflate (RFC 7692) in one direction of one WebSocket each. Memory is taken with the
// first message that needs it; a side that forgets gives it back after each.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <zlib.h>

namespace labcoat::http {

class MessageInflater {
 public:
  MessageInflater(int window_bits, bool forgets) : window_bits_(window_bits), forgets_(forgets) {}

  // Inflates some of a message's bytes into `out`; what was used is taken off `input`. `last`: no
  // bytes follow. The message is done when `input` is empty and less than `room` was produced.
  // False: no deflate.
  bool inflate(std::string_view& input, bool last, char* out, size_t room, size_t& produced);
  // The message is done.
  void end_message();

 private:
  struct End {
    void operator()(z_stream* stream) const;
  };
  bool step(std::string_view& input, char* out, size_t room, size_t& produced);
  bool go_on_behind_final_block();

  const int window_bits_;
  const bool forgets_;
  bool final_block_ = false;  // in this message
  size_t tail_used_ = 0;
  std::unique_ptr<z_stream, End> stream_;
};

class MessageDeflater {
 public:
  MessageDeflater(int window_bits, bool forgets) : window_bits_(window_bits), forgets_(forgets) {}

  // Appends what there is to send of the message so far; all of it with the last piece. False: no
  // memory.
  bool deflate(std::string_view piece, bool last, std::string& out);

 private:
  struct End {
    void operator()(z_stream* stream) const;
  };

  const int window_bits_;
  const bool forgets_;
  std::unique_ptr<z_stream, End> stream_;
};

}  // namespace labcoat::http
