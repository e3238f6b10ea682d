// An app's answer in a content coding: which one is chosen when the request is there, whether its
// head allows it, and its body through an AnswerCoder. What docs/files.md says of compression.
#include "edge/answer_coder.h"
#include "edge/edge_thread.h"
#include "edge/exchange.h"
#include "http/conditions.h"

namespace labcoat::edge {

// HTTP/1.0 knows no chunks: what has no length would cost the connection.
void Exchange::choose_coding(const http::RequestHead& head) {
  coding_ = http::ContentCoding::identity;
  const unsigned codings = rule_->compress.codings();
  if (codings == 0 || (head.major_version < 2 && head.minor_version == 0)) return;
  constexpr unsigned identity = 1U << static_cast<unsigned>(http::ContentCoding::identity);
  coding_ = http::choose_coding(
      http::parse_accept_encoding(http::SelectionFields(head).accept_encoding), codings | identity);
}

// Before the head is sent. `text` is pointed into.
void Exchange::begin_coding(answer::Response& response, std::string& text) {
  if (rule_->compress.codings() == 0) return;
  const bool wanted = coding_ != http::ContentCoding::identity;
  if (response.status == 304) {
    // As the 200 would have been; nobody knows its type.
    routes::add_vary(response);
    if (wanted) routes::weaken_tag(response, text);
    return;
  }
  if (!rule_->compress.is_for(response)) return;
  routes::add_vary(response);
  if (!wanted) return;
  if (!head_request_) {
    coder_ = AnswerCoder::create({.count = thread_.count(),
                                  .out = thread_.coded(),
                                  .streams_max = thread_.rules()->config.limits.compressions},
                                 coding_, response.body_bytes);
    if (!coder_) return;
  }
  routes::put_into_coding(response, coding_, text);
}

// Bytes of the body that the client is to have. False: it was broken off.
bool Exchange::send_body(std::string_view data, std::string_view more) {
  if (!coder_) {
    const size_t bytes = data.size() + more.size();
    bytes_out_ += bytes;
    if (bytes > 0) sink_.send_data(data, more);
    return true;
  }
  for (const std::string_view piece : {data, more}) {
    // Any call of the sink may find that the client is gone, and then there is no coder.
    if (coder_ && !piece.empty() && !send_coded(coder_->add(piece))) return false;
  }
  return true;
}

bool Exchange::send_coded(std::string_view out) {
  if (out.data() == nullptr) {
    drop_answer();
    return false;
  }
  bytes_out_ += out.size();
  if (!out.empty()) sink_.send_data(out, {});
  return true;
}

// It cannot go on, though its worker is well.
void Exchange::drop_answer() {
  thread_.count().responses_broken.add();
  give_up_slot();
  sink_.break_off();
}

// A piece of the app's file. False: it was broken off.
bool Exchange::send_coded_file() {
  return send_coded(coder_->add_from_file());
}

}  // namespace labcoat::edge
