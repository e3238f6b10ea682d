// AnswerCoder: one app's answer on its way through a compressor. What the app has sent is given to
// the client at once: whoever has nothing more to add flushes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "answer/open_file.h"
#include "edge/counters.h"
#include "http/compress.h"

namespace labcoat::edge {

class AnswerCoder {
 public:
  struct Place {
    Counters& count;   // of this thread
    std::string& out;  // scratch of this thread
    int streams_max = 0;
  };
  // None: this thread has `streams_max` of them already (counted), or there is no memory. What is
  // in `place` outlives it. `bytes`: of the answer, or -1.
  static std::unique_ptr<AnswerCoder> create(const Place& place, http::ContentCoding coding,
                                             i64 bytes);
  ~AnswerCoder();
  AnswerCoder(const AnswerCoder&) = delete;
  AnswerCoder& operator=(const AnswerCoder&) = delete;

  // What comes out, in the scratch; it may be nothing. Without data: out of memory.
  std::string_view add(std::string_view piece);
  std::string_view flush();
  std::string_view end();

  // A file that goes through it, too, piece by piece.
  void begin_file(Fd file, i64 offset, i64 bytes);
  bool has_file() const { return file_left_ > 0; }
  // The next piece of it; without data: it is shorter than it was.
  std::string_view add_from_file();

 private:
  AnswerCoder(const Place& place, std::unique_ptr<http::Compressor> compressor);
  std::string_view run(std::string_view piece, http::Compressor::Then then);

  Counters& count_;
  const std::unique_ptr<http::Compressor> compressor_;
  std::string& out_;
  bool holds_ = false;  // bytes that a client cannot read yet
  Fd file_;
  i64 file_offset_ = 0;
  i64 file_left_ = 0;
};

}  // namespace labcoat::edge
