#include "edge/answer_coder.h"

#include <algorithm>
#include <cerrno>
#include <unistd.h>

namespace labcoat::edge {
namespace {

// Of a file at a time: less than a millisecond's work.
constexpr size_t file_piece_bytes = 32 * 1024;
constexpr size_t kept_output_max = 64 * 1024;

}  // namespace

std::unique_ptr<AnswerCoder> AnswerCoder::create(const Place& place, http::ContentCoding coding,
                                                 i64 bytes) {
  if (place.count.compressing.get() >= static_cast<u64>(place.streams_max)) {
    place.count.limit_compressions.add();
    return nullptr;
  }
  auto compressor = http::Compressor::create(coding, http::Compressor::Effort::passing, bytes);
  if (!compressor) return nullptr;
  return std::unique_ptr<AnswerCoder>(new AnswerCoder(place, std::move(compressor)));
}

AnswerCoder::AnswerCoder(const Place& place, std::unique_ptr<http::Compressor> compressor)
    : count_(place.count), compressor_(std::move(compressor)), out_(place.out) {
  count_.compressing.add();
  count_.compressed.add();
}

AnswerCoder::~AnswerCoder() {
  count_.compressing.subtract();
}

std::string_view AnswerCoder::run(std::string_view piece, http::Compressor::Then then) {
  if (out_.capacity() > kept_output_max) out_ = std::string();
  out_.clear();
  if (!compressor_->add(piece, then, out_)) return {};
  count_.compressed_bytes_in.add(piece.size());
  count_.compressed_bytes_out.add(out_.size());
  return {out_.data(), out_.size()};
}

std::string_view AnswerCoder::add(std::string_view piece) {
  holds_ = true;
  return run(piece, http::Compressor::Then::more);
}

std::string_view AnswerCoder::flush() {
  if (!std::exchange(holds_, false)) return "";
  return run({}, http::Compressor::Then::flush);
}

std::string_view AnswerCoder::end() {
  return run({}, http::Compressor::Then::end);
}

void AnswerCoder::begin_file(Fd file, i64 offset, i64 bytes) {
  file_ = std::move(file);
  file_offset_ = offset;
  file_left_ = bytes;
}

std::string_view AnswerCoder::add_from_file() {
  char piece[file_piece_bytes];
  const auto wanted = static_cast<size_t>(std::min<i64>(file_left_, sizeof piece));
  ssize_t got = 0;
  do {
    got = ::pread(file_.get(), piece, wanted, file_offset_);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return {};
  file_offset_ += got;
  file_left_ -= got;
  if (file_left_ == 0) file_.reset();
  return add({piece, static_cast<size_t>(got)});
}

}  // namespace labcoat::edge
