#include "http/websocket_deflate.h"

#include <gtest/gtest.h>

namespace labcoat::http {
namespace {

std::string answer(std::string_view offers, DeflatePolicy policy = {}) {
  RequestHead head;
  head.fields[0] = {"Sec-WebSocket-Extensions", offers};
  head.field_count = 1;
  const auto agreement = agree_on_deflate(head, policy);
  return agreement ? agreement->answer : "";
}

TEST(DeflateAgreement, TakesTheFirstOfferThatCanBeTaken) {
  const struct {
    const char* offers;
    const char* answer;
  } cases[] = {
      {"permessage-deflate", "permessage-deflate"},
      {"Permessage-Deflate", "permessage-deflate"},
      {"x-webkit-deflate-frame, permessage-deflate", "permessage-deflate"},
      {"permessage-deflate; server_no_context_takeover",
       "permessage-deflate; server_no_context_takeover"},
      {"permessage-deflate; client_no_context_takeover",
       "permessage-deflate; client_no_context_takeover"},
      {"permessage-deflate; client_max_window_bits",
       "permessage-deflate; client_max_window_bits=15"},
      {"permessage-deflate;client_max_window_bits=10",
       "permessage-deflate; client_max_window_bits=10"},
      {"permessage-deflate; client_max_window_bits=\"10\"",
       "permessage-deflate; client_max_window_bits=10"},
      {"permessage-deflate; server_max_window_bits=9",
       "permessage-deflate; server_max_window_bits=9"},
      {"permessage-deflate; server_max_window_bits=8", ""},
      {"permessage-deflate; server_max_window_bits=8, permessage-deflate", "permessage-deflate"},
      {"permessage-deflate; server_max_window_bits", ""},
      {"permessage-deflate; server_max_window_bits=16", ""},
      {"permessage-deflate; server_max_window_bits=08", ""},
      {"permessage-deflate; client_max_window_bits=7", ""},
      {"permessage-deflate; client_max_window_bits=9; client_max_window_bits=9", ""},
      {"permessage-deflate; server_no_context_takeover=1", ""},
      {"permessage-deflate; server_no_context_takeover; server_no_context_takeover", ""},
      {"permessage-deflate; mystery", ""},
      {"permessage-deflate; ", "permessage-deflate"},
      {"permessage-bzip2", ""},
      {"", ""},
  };
  for (const auto& row : cases) EXPECT_EQ(answer(row.offers), row.answer) << row.offers;
}

TEST(DeflateAgreement, KeepsToThePolicy) {
  const DeflatePolicy small{.forget = false, .window_bits_max = 12};
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits", small),
            "permessage-deflate; client_max_window_bits=12");
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=10", small),
            "permessage-deflate; server_max_window_bits=10");
  EXPECT_EQ(answer("permessage-deflate", {.forget = true}),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
}

}  // namespace
}  // namespace labcoat::http
