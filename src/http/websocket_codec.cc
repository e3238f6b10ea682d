#include "http/websocket_codec.h"

#include <utility>

#include "base/check.h"

namespace labcoat::http {
namespace {

// What a sender cuts off the end of each message, RFC 7692 section 7.2.1.
constexpr std::string_view tail("\x00\x00\xff\xff", 4);
// Messages are short and sent once: the least memory that still finds what repeats, at zlib's
// fastest.
constexpr int memory_level = 5;

Bytef* bytes_of(std::string_view text) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // zlib only reads them
}

}  // namespace

void MessageInflater::End::operator()(z_stream* stream) const {
  inflateEnd(stream);
  delete stream;
}

bool MessageInflater::inflate(std::string_view& input, bool last, char* out, size_t room,
                              size_t& produced) {
  produced = 0;
  if (!stream_) {
    auto fresh = std::make_unique<z_stream>();
    if (inflateInit2(fresh.get(), -window_bits_) != Z_OK) return false;
    stream_.reset(fresh.release());
  }
  if (!step(input, out, room, produced)) return false;
  if (!last || !input.empty() || produced == room) return true;
  // The tail makes zlib give out what it holds back.
  std::string_view rest = tail.substr(tail_used_);
  size_t more = 0;
  if (!step(rest, out + produced, room - produced, more)) return false;
  tail_used_ = tail.size() - rest.size();
  produced += more;
  return true;
}

bool MessageInflater::step(std::string_view& input, char* out, size_t room, size_t& produced) {
  produced = 0;
  for (;;) {
    stream_->next_in = bytes_of(input);
    stream_->avail_in = static_cast<uInt>(input.size());
    stream_->next_out = reinterpret_cast<Bytef*>(out + produced);
    stream_->avail_out = static_cast<uInt>(room - produced);
    const int result = ::inflate(stream_.get(), Z_SYNC_FLUSH);
    input.remove_prefix(input.size() - stream_->avail_in);
    produced = room - stream_->avail_out;
    if (result == Z_STREAM_END) {
      if (!go_on_behind_final_block()) return false;
      if (input.empty()) return true;
      continue;
    }
    // Z_BUF_ERROR: nothing to do, for want of input or of room.
    return result == Z_OK || result == Z_BUF_ERROR;
  }
}

// A block may say that it is the last one of all (section 7.2.3.4); the window is kept all the
// same.
bool MessageInflater::go_on_behind_final_block() {
  // Each costs a copy of the window: who needs more than one in a message means harm.
  if (std::exchange(final_block_, true)) return false;
  Bytef window[1 << 15];
  uInt bytes = sizeof window;
  return inflateGetDictionary(stream_.get(), window, &bytes) == Z_OK &&
         inflateReset(stream_.get()) == Z_OK &&
         (bytes == 0 || inflateSetDictionary(stream_.get(), window, bytes) == Z_OK);
}

void MessageInflater::end_message() {
  final_block_ = false;
  tail_used_ = 0;
  if (forgets_) stream_.reset();
}

void MessageDeflater::End::operator()(z_stream* stream) const {
  deflateEnd(stream);
  delete stream;
}

bool MessageDeflater::deflate(std::string_view piece, bool last, std::string& out) {
  if (!stream_) {
    auto fresh = std::make_unique<z_stream>();
    if (deflateInit2(fresh.get(), Z_BEST_SPEED, Z_DEFLATED, -window_bits_, memory_level,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      return false;
    }
    stream_.reset(fresh.release());
  }
  stream_->next_in = bytes_of(piece);
  stream_->avail_in = static_cast<uInt>(piece.size());
  for (size_t room = piece.size() / 2 + 64;;) {
    const size_t before = out.size();
    out.resize(before + room);
    stream_->next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream_->avail_out = static_cast<uInt>(room);
    const int result = ::deflate(stream_.get(), last ? Z_SYNC_FLUSH : Z_NO_FLUSH);
    CHECK(result == Z_OK || result == Z_BUF_ERROR);
    out.resize(out.size() - stream_->avail_out);
    if (stream_->avail_out > 0) break;
    room = 4096;
  }
  if (!last) return true;
  CHECK(out.ends_with(tail));
  out.resize(out.size() - tail.size());
  if (forgets_) stream_.reset();
  return true;
}

}  // namespace labcoat::http
