// Both directions of permessage-deflate against each other and against messages of the RFC.
#include "http/websocket_codec.h"

#include <gtest/gtest.h>
#include <random>

namespace labcoat::http {
namespace {

using namespace std::string_literals;

// All of one message, with so much room at a time; "bad" when it is no deflate.
std::string inflate(MessageInflater& inflater, std::string_view bytes, size_t room,
                    size_t piece = ~size_t{0}) {
  std::string out, buffer(room, '\0');
  do {
    std::string_view input = bytes.substr(0, piece);
    bytes.remove_prefix(input.size());
    for (size_t produced = room; produced == room || !input.empty();) {
      if (!inflater.inflate(input, bytes.empty(), buffer.data(), room, produced)) return "bad";
      out.append(buffer, 0, produced);
    }
  } while (!bytes.empty());
  inflater.end_message();
  return out;
}

TEST(MessageInflater, ReadsTheExamplesOfTheRfc) {
  const std::string hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"s;
  MessageInflater inflater(15, false);
  EXPECT_EQ(inflate(inflater, hello, 100), "Hello");
  // The second refers to the first, RFC 7692 section 7.2.3.2.
  EXPECT_EQ(inflate(inflater, "\xf2\x00\x11\x00\x00"s, 100), "Hello");
  EXPECT_EQ(inflate(inflater, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"s, 100), "Hello");
  // A final block, section 7.2.3.4, behind which the window is still there.
  EXPECT_EQ(inflate(inflater, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s, 100), "Hello");
  EXPECT_EQ(inflate(inflater, "\xf2\x00\x11\x00\x00"s, 100), "Hello");
}

TEST(MessageInflater, RefusesWhatIsNoDeflateAndManyFinalBlocks) {
  MessageInflater inflater(15, false);
  EXPECT_EQ(inflate(inflater, "\xff\xff\xff\xff", 100), "bad");
  MessageInflater other(15, false);
  EXPECT_EQ(inflate(other, "\x03\x00\x03\x00\x03\x00"s, 100), "bad");
}

TEST(MessageCodec, GivesBackWhatItWasGivenHoweverItIsCut) {
  std::mt19937 random(7);
  for (const bool forgets : {false, true}) {
    for (const int bits : {9, 12, 15}) {
      MessageDeflater deflater(bits, forgets);
      MessageInflater inflater(bits, forgets);
      for (const size_t size : {1, 5, 64, 1000, 70'000}) {
        std::string message;
        while (message.size() < size) message.push_back("abcd"[random() % 4]);
        std::string bytes;
        const size_t cut = random() % size;
        ASSERT_TRUE(deflater.deflate(std::string_view(message).substr(0, cut), false, bytes));
        ASSERT_TRUE(deflater.deflate(std::string_view(message).substr(cut), true, bytes));
        EXPECT_EQ(inflate(inflater, bytes, 1 + random() % 500, 1 + random() % 500), message);
      }
    }
  }
}

TEST(MessageCodec, RemembersOnlyWhenItMay) {
  const std::string message = "a message that comes twice and has little to repeat in itself";
  std::string first, second;
  MessageDeflater remembers(12, false);
  remembers.deflate(message, true, first);
  remembers.deflate(message, true, second);
  EXPECT_LT(second.size(), first.size() / 2);
  std::string third, fourth;
  MessageDeflater forgets(12, true);
  forgets.deflate(message, true, third);
  forgets.deflate(message, true, fourth);
  EXPECT_EQ(third, fourth);
}

}  // namespace
}  // namespace labcoat::http
