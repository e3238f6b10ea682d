// A file's part of an Exchange: what StaticFiles found, given to the sink piece by piece.
#include "edge/edge_thread.h"
#include "edge/exchange.h"

namespace labcoat::edge {

void Exchange::answer_with_static(const http::RequestHead& head, std::string_view path,
                                  const routes::Route& route) {
  files::StaticAnswer file = thread_.files().answer(route, path, head, thread_.now());
  if (!file.has_body && file.status != 304) {
    answer_status(file.status, {}, file.lines);
    return;
  }
  answer::Response& response = thread_.response();
  response.clear();
  response.status = file.status;
  response.body_bytes = file.bytes;
  response.lines = file.lines;
  response.split = file.split;
  send_static(response, file);
}

// Status, lines and length of the answer; everything else is in `file`.
void Exchange::send_static(answer::Response& response, files::StaticAnswer& file) {
  begin_response(response);
  if (!without_body_ && file.bytes > 0) {
    bytes_out_ = static_cast<u64>(file.bytes);
    if (!file.pieces.empty()) {
      pieces_ = std::make_unique<Pieces>(Pieces{.all = std::move(file.pieces)});
      send_pieces();
      return;
    }
    if (file.file) {
      sink_.send_file(std::move(file.file), file.offset, file.bytes);
    } else {
      sink_.send_data(file.content, {});
    }
  }
  sink_.end();
}

// A sink that takes no more calls go_on later. Any call may find that the client is gone: then
// pieces_ is none.
void Exchange::send_pieces() {
  while (pieces_->next < pieces_->all.size()) {
    if (!sink_.wants_more()) return;
    files::FilePiece piece = std::move(pieces_->all[pieces_->next++]);
    sink_.send_data(piece.before, {});
    if (pieces_ && piece.file) sink_.send_file(std::move(piece.file), piece.offset, piece.bytes);
    if (!pieces_) return;
  }
  pieces_.reset();
  sink_.end();
}

}  // namespace labcoat::edge
