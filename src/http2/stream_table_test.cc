#include "http2/stream_table.h"

#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <random>

namespace labcoat::http2 {
namespace {

class Entry final : public Stream {
 public:
  using Stream::Stream;
  Fill fill(size_t, std::string&) override { return Fill::end; }
  void write_trailers() override {}
};

TEST(StreamTable, FindsWhatIsThereAndNothingElse) {
  StreamTable table;
  EXPECT_EQ(table.find(1), nullptr);
  Entry one(1), far(33);  // of the same place among 16
  table.add(one);
  table.add(far);
  EXPECT_EQ(table.find(1), &one);
  EXPECT_EQ(table.find(33), &far);
  EXPECT_EQ(table.find(65), nullptr);
  table.remove(one);
  EXPECT_EQ(table.find(1), nullptr);
  EXPECT_EQ(table.find(33), &far);
  EXPECT_EQ(table.size(), 1u);
}

TEST(StreamTable, IsAMapWhateverComesAndGoes) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  StreamTable table;
  std::map<StreamId, std::unique_ptr<Entry>> truth;
  for (int step = 0; step < 20'000; ++step) {
    const StreamId id = 2 * (random() % 300) + 1;
    auto& entry = truth[id];
    if (entry == nullptr) {
      entry = std::make_unique<Entry>(id);
      table.add(*entry);
    } else {
      table.remove(*entry);
      truth.erase(id);
    }
    const StreamId other = 2 * (random() % 300) + 1;
    const auto known = truth.find(other);
    ASSERT_EQ(table.find(other), known == truth.end() ? nullptr : known->second.get());
    ASSERT_EQ(table.size(), truth.size());
  }
  size_t seen = 0;
  table.for_each([&](Stream& stream) { seen += truth.count(stream.id()); });
  EXPECT_EQ(seen, truth.size());
}

}  // namespace
}  // namespace labcoat::http2
