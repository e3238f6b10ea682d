#include "http2/frame.h"

#include <gtest/gtest.h>

namespace labcoat::http2 {
namespace {

TEST(Frame, ItsHeadIsReadAsItWasWritten) {
  char bytes[frame_head_bytes];
  write_frame_head({0x123456, FrameType::goaway, 0xa5, 0x7edcba98}, bytes);
  const FrameHead head = read_frame_head(bytes);
  EXPECT_EQ(head.length, 0x123456u);
  EXPECT_EQ(head.type, FrameType::goaway);
  EXPECT_EQ(head.flags, 0xa5);
  EXPECT_EQ(head.stream, 0x7edcba98u);
}

TEST(Frame, TheReservedBitIsNoPartOfTheStreamsNumber) {  // RFC 9113 section 4.1
  EXPECT_EQ(read_frame_head("\0\0\0\0\0\xff\xff\xff\xff").stream, stream_id_max);
}

TEST(Frame, PaddingIsTakenOff) {  // section 6.1
  const FrameHead padded{0, FrameType::headers, frame_flag::padded, 1};
  const auto strip = [&](std::string_view payload) {
    return strip_padding(padded, payload) ? std::string(payload) : "bad";
  };
  EXPECT_EQ(strip(std::string_view("\2abc\0\0", 6)), "abc");
  EXPECT_EQ(strip(std::string_view("\0abc", 4)), "abc");
  EXPECT_EQ(strip(std::string_view("\3abc", 4)), "");
  EXPECT_EQ(strip(std::string_view("\4abc", 4)), "bad");
  EXPECT_EQ(strip(""), "bad");
}

TEST(Frame, TheShortOnesHaveTheirBytes) {
  std::string out;
  append_rst_stream(3, ErrorCode::cancel, out);
  append_window_update(0, 0x01020304, out);
  append_goaway(5, ErrorCode::protocol_error, out);
  append_ping(0x3132333435363738, true, out);
  const Setting one{SettingId::max_frame_size, 0x8000};
  append_settings(&one, 1, out);
  append_settings_ack(out);
  const std::string_view expected(
      "\0\0\4\3\0\0\0\0\3\0\0\0\10"
      "\0\0\4\10\0\0\0\0\0\1\2\3\4"
      "\0\0\10\7\0\0\0\0\0\0\0\0\5\0\0\0\1"
      "\0\0\10\6\1\0\0\0\00012345678"
      "\0\0\6\4\0\0\0\0\0\0\5\0\0\x80\0"
      "\0\0\0\4\1\0\0\0\0",
      13 + 13 + 17 + 17 + 15 + 9);
  EXPECT_EQ(out, expected);
}

TEST(Frame, AHeadOfMoreThanAFrameGoesOnInContinuations) {  // section 6.10
  const std::string block = std::string(frame_bytes_max, 'a') + std::string(frame_bytes_max, 'b');
  for (const size_t more : {size_t{0}, size_t{1}, size_t{frame_bytes_max}}) {
    std::string out = "before";
    const size_t at = out.size();
    out.append(frame_head_bytes, '?').append(block).append(more, 'c');
    close_header_block(7, true, at, out);
    std::string joined;
    std::string types;
    for (std::string_view rest = std::string_view(out).substr(at); !rest.empty();) {
      const FrameHead head = read_frame_head(rest.data());
      EXPECT_EQ(head.stream, 7u);
      types.push_back(static_cast<char>('0' + static_cast<int>(head.type)));
      EXPECT_EQ(head.has(frame_flag::end_stream), types.size() == 1);
      joined.append(rest.substr(frame_head_bytes, head.length));
      rest.remove_prefix(frame_head_bytes + head.length);
      EXPECT_EQ(head.has(frame_flag::end_headers), rest.empty());
    }
    EXPECT_EQ(joined, block + std::string(more, 'c'));
    EXPECT_EQ(types, more == 0 ? "19" : "199");
  }
}

}  // namespace
}  // namespace labcoat::http2
