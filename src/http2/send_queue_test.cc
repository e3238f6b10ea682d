// The order of frames, seen through a session: SendQueue knows streams by what the session made of
// them.
#include "http2/send_queue.h"

#include "http2/session_test_words.h"

namespace labcoat::http2 {
namespace {

class SendOrder : public testing::Test {
 protected:
  SendOrder() {
    peer.greet(setting(SettingId::initial_window_size, 1u << 20));
    peer.hear(grow_window(0, 1u << 24));
  }
  // A request of this priority whose answer has so many frames.
  void ask(StreamId id, std::string_view priority, size_t frames) {
    TestStream& stream = peer.ask(id);
    peer.session.prioritise(stream, priority);
    stream.piece_max = 10;
    peer.answer(stream, std::string(10 * frames, 'x'));
  }
  // The streams of DATA frames, one after the other.
  std::string order() {
    std::string ids;
    for (const Said& one : peer.said()) {
      if (one.head.type == FrameType::data) ids.append(std::to_string(one.head.stream)).append(" ");
    }
    return ids;
  }
  Peer peer;
};

TEST_F(SendOrder, TheMoreUrgentGoFirst) {  // RFC 9218 section 10
  ask(1, "u=7", 2);
  ask(3, "", 2);
  ask(5, "u=0", 2);
  EXPECT_EQ(order(), "5 5 3 3 1 1 ");
}

TEST_F(SendOrder, WhatIsOfUseOnlyWholeComesOneAfterTheOther) {
  ask(1, "", 3);
  ask(3, "", 2);
  EXPECT_EQ(order(), "1 1 1 3 3 ");
}

TEST_F(SendOrder, WhatIsOfUseInPiecesComesInTurn) {
  ask(1, "i", 3);
  ask(3, "i", 1);
  ask(5, "i", 2);
  EXPECT_EQ(order(), "1 3 5 1 5 1 ");
}

TEST_F(SendOrder, BothKindsHaveEveryOtherFrame) {
  ask(1, "i", 2);
  ask(3, "", 3);
  ask(5, "i", 2);
  EXPECT_EQ(order(), "3 1 3 5 3 1 5 ");
}

TEST_F(SendOrder, WholeOnesGoByTheirNumberThoughTheirAnswersComeLater) {
  for (const StreamId id : {1u, 3u, 5u, 7u}) peer.ask(id).piece_max = 10;
  for (const StreamId id : {5u, 7u, 1u, 3u}) peer.answer(peer.stream(id), std::string(20, 'x'));
  EXPECT_EQ(order(), "1 1 3 3 5 5 7 7 ");
}

TEST_F(SendOrder, APriorityUpdateCountsFromTheNextFrame) {  // RFC 9218 section 7.1
  ask(1, "", 2);
  ask(3, "", 2);
  peer.hear(frame(FrameType::priority_update, 0, 0, number(3) + "u=1"));
  EXPECT_EQ(order(), "3 3 1 1 ");
}

TEST_F(SendOrder, APriorityUpdateMayComeBeforeItsRequestAndOverrulesTheField) {
  peer.hear(frame(FrameType::priority_update, 0, 0, number(3) + "u=5"));
  peer.hear(frame(FrameType::priority_update, 0, 0, number(3) + "u=1"));
  ask(1, "", 2);
  ask(3, "u=6", 2);
  EXPECT_EQ(order(), "3 3 1 1 ");
}

TEST_F(SendOrder, OnlySomeEarlyUpdatesAreRemembered) {
  for (StreamId id = 3; id < 200; id += 2) {
    peer.hear(frame(FrameType::priority_update, 0, 0, number(id) + "u=1"));
  }
  ask(1, "", 1);
  ask(3, "", 1);
  ask(199, "", 1);
  EXPECT_EQ(order(), "199 1 3 ");
}

TEST_F(SendOrder, AnUpdateThatCannotBeReadChangesNothing) {
  ask(1, "", 2);
  ask(3, "", 2);
  peer.hear(frame(FrameType::priority_update, 0, 0, number(3) + "U=1"));
  EXPECT_EQ(order(), "1 1 3 3 ");
}

}  // namespace
}  // namespace labcoat::http2
