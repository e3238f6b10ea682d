// Ours and nghttp2's understand each other, whatever is said. (fuzz/hpack_fuzz.cc says more.)
#include "http2/hpack_oracle.h"

#include <gtest/gtest.h>
#include <random>

#include "http2/hpack_encoder.h"

namespace labcoat::http2 {
namespace {

constexpr u32 oracle_seed = 20261122;

// Heads as they come: names and values repeat, some are new, some are large, some hold any bytes.
class Heads {
 public:
  explicit Heads(u32 seed) : random_(seed) {}
  size_t below(size_t end) { return random_() % end; }

  Fields next() {
    static const char* const names[] = {
        ":status", ":path",      "date",         "server",
        "etag",    "set-cookie", "cookie",       "x-request-id",
        "x-frame", "vary",       "content-type", "authorization",
        "a",       "via",        "location",     "x-a-rather-long-name-of-an-app"};
    Fields fields;
    const size_t count = 1 + below(12);
    for (size_t i = 0; i < count; ++i) fields.emplace_back(names[below(std::size(names))], value());
    return fields;
  }

 private:
  std::string value() {
    static const char* const usual[] = {"200",
                                        "404",
                                        "302",
                                        "",
                                        "labcoat",
                                        "text/html; charset=utf-8",
                                        "Mon, 21 Oct 2013 20:13:21 GMT",
                                        "/",
                                        "GET"};
    switch (below(8)) {
      case 0:
        return std::string(below(3000), 'x');
      case 1: {
        std::string bytes(below(40), ' ');
        for (char& c : bytes) c = static_cast<char>(random_());
        return bytes;
      }
      case 2:
        return std::to_string(below(30));
      default:
        return usual[below(std::size(usual))];
    }
  }

  std::mt19937 random_;
};

TEST(HpackOracle, Nghttp2UnderstandsWhatWeSay) {
  Heads heads(oracle_seed);
  HpackEncoder encoder;
  BothDecoders decoders;
  for (int i = 0; i < 5000; ++i) {
    const Fields fields = heads.next();
    std::string block = "before";
    const size_t begin = block.size();
    encoder.begin(block);
    for (const auto& [name, value] : fields) {
      encoder.add(block, name, value,
                  static_cast<Indexing>(heads.below(20) < 18 ? 0 : heads.below(3)));
    }
    Fields understood;
    ASSERT_TRUE(decoders.decode(std::string_view(block).substr(begin), &understood));
    ASSERT_EQ(understood, fields) << "block " << i << ", seed " << oracle_seed;
  }
}

TEST(HpackOracle, WeUnderstandWhatNghttp2Says) {
  Heads heads(oracle_seed + 1);
  OracleEncoder encoder;
  BothDecoders decoders;
  for (int i = 0; i < 5000; ++i) {
    if (heads.below(10) == 0) encoder.set_table_max(static_cast<u32>(heads.below(4097)));
    const Fields fields = heads.next();
    Fields understood;
    ASSERT_TRUE(decoders.decode(encoder.encode(fields, heads.below(20) == 0), &understood));
    ASSERT_EQ(understood, fields) << "block " << i << ", seed " << oracle_seed + 1;
  }
}

// Nor does it expect a size that we do not tell it, RFC 7541 section 4.2.
TEST(HpackOracle, APeerMayChangeTheSizeOfItsTable) {
  Heads heads(oracle_seed + 2);
  HpackEncoder encoder;
  OracleDecoder oracle;
  for (int i = 0; i < 5000; ++i) {
    for (size_t change = heads.below(20); change >= 17; --change) {
      const u32 bytes =
          static_cast<u32>(heads.below(2) == 0 ? heads.below(300) : heads.below(9000));
      encoder.set_table_max(bytes);
      oracle.set_table_max(bytes);
    }
    const Fields fields = heads.next();
    std::string block;
    encoder.begin(block);
    for (const auto& [name, value] : fields) encoder.add(block, name, value);
    Fields understood;
    ASSERT_TRUE(oracle.decode(block, understood)) << "block " << i << ", seed " << oracle_seed + 2;
    ASSERT_EQ(understood, fields);
    ASSERT_EQ(oracle.table(), entries_of(encoder.table()));
  }
}

TEST(HpackOracle, BothFindTheSameBlocksBroken) {
  Heads heads(oracle_seed + 3);
  size_t broken = 0;
  for (int i = 0; i < 5000; ++i) {
    OracleEncoder encoder;
    BothDecoders decoders;
    for (int k = 0; k < 3; ++k) {
      std::string block = encoder.encode(heads.next(), false);
      for (size_t flips = heads.below(3); flips > 0 && !block.empty(); --flips) {
        block[heads.below(block.size())] = static_cast<char>(heads.below(256));
      }
      if (!decoders.decode(block)) {
        ++broken;
        break;
      }
    }
  }
  EXPECT_GT(broken, 100U);
}

}  // namespace
}  // namespace labcoat::http2
