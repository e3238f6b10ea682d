// From a file that was found to the answer: conditions, codings and ranges.
#include "files/static_file.h"
#include "http/byteranges.h"
#include "http/conditions.h"

namespace labcoat::files {
namespace {

StaticAnswer with_bytes(int status, std::string_view lines, const Representation& whole, i64 first,
                        i64 bytes) {
  StaticAnswer answer;
  answer.status = status;
  answer.lines = lines;
  if (lines.data() == whole.lines.data()) answer.split = &whole.split;
  answer.has_body = true;
  answer.file = whole.file;
  answer.offset = first;
  answer.bytes = bytes;
  if (!whole.file) {
    answer.content = std::string_view(whole.content)
                         .substr(static_cast<size_t>(first), static_cast<size_t>(bytes));
  }
  return answer;
}

i64 length_of(const http::ByteRange& range) {
  return range.last - range.first + 1;
}

}  // namespace

StaticAnswer StaticFiles::answer_with(const CachedFile& file, const http::RequestHead& request) {
  const http::SelectionFields fields(request);
  const bool part = fields.range.data() != nullptr;
  const Representation& whole =
      file.varies() ? cache_.choose(http::parse_accept_encoding(fields.accept_encoding), part)
                    : file.plain();
  if (fields.any) {
    const http::Validators validators{whole.tag, file.modified_s()};
    switch (http::check_conditions(fields, validators)) {
      case http::Condition::failed:
        return refusal(412);
      case http::Condition::not_modified:
        return refusal(304, std::string_view(whole.lines).substr(0, whole.lines_304));
      case http::Condition::holds:
        break;
    }
    const bool partly = part && request.method == "GET" && http::range_applies(fields, validators);
    if (partly) return answer_part(file, whole, fields.range);
  }
  return with_bytes(200, whole.lines, whole, 0, whole.bytes);
}

StaticAnswer StaticFiles::answer_part(const CachedFile& file, const Representation& whole,
                                      std::string_view range) {
  const http::Ranges ranges = http::parse_ranges(range, whole.bytes);
  switch (ranges.verdict) {
    case http::Ranges::Verdict::whole:
      return with_bytes(200, whole.lines, whole, 0, whole.bytes);
    case http::Ranges::Verdict::unsatisfiable:
      lines_.assign("Content-Range: bytes */").append(std::to_string(whole.bytes)).append("\r\n");
      return refusal(416, lines_);
    case http::Ranges::Verdict::partial:
      break;
  }
  if (ranges.count > 1) return answer_parts(file, whole, ranges);
  const http::ByteRange one = ranges.ranges[0];
  lines_.assign(whole.lines).append("Content-Range: bytes ").append(std::to_string(one.first));
  lines_.append("-").append(std::to_string(one.last)).append("/");
  lines_.append(std::to_string(whole.bytes)).append("\r\n");
  return with_bytes(206, lines_, whole, one.first, length_of(one));
}

StaticAnswer StaticFiles::answer_parts(const CachedFile& file, const Representation& whole,
                                       const http::Ranges& ranges) {
  const http::ByterangesFrame frame(ranges, file.type(), whole.bytes, random_());
  const std::string type_line = "Content-Type: " + file.type() + "\r\n";
  lines_.assign(whole.lines);
  lines_.replace(lines_.find(type_line), type_line.size(),
                 "Content-Type: " + frame.content_type() + "\r\n");
  StaticAnswer answer;
  answer.status = 206;
  answer.lines = lines_;
  answer.has_body = true;
  answer.bytes = frame.bytes();
  if (!whole.file) {
    body_.clear();
    for (size_t i = 0; i < frame.count(); ++i) {
      body_.append(frame.prefix(i))
          .append(whole.content, static_cast<size_t>(frame.range(i).first),
                  static_cast<size_t>(length_of(frame.range(i))));
    }
    answer.content = body_.append(frame.end());
    return answer;
  }
  for (size_t i = 0; i < frame.count(); ++i) {
    answer.pieces.push_back({.before = frame.prefix(i),
                             .file = whole.file,
                             .offset = frame.range(i).first,
                             .bytes = length_of(frame.range(i))});
  }
  answer.pieces.push_back({.before = frame.end(), .file = nullptr});
  return answer;
}

}  // namespace labcoat::files
