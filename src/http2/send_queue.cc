#include "http2/send_queue.h"

#include "base/check.h"

namespace labcoat::http2 {

Stream* SendQueue::front() const {
  if (levels_used_ == 0) return nullptr;
  const Level& level = levels_[static_cast<size_t>(__builtin_ctz(levels_used_))];
  const bool pieces = level.whole == nullptr || (level.pieces_next && level.in_pieces != nullptr);
  return pieces ? level.in_pieces : level.whole;
}

void SendQueue::add(Stream& stream) {
  CHECK(!stream.queued_);
  stream.queued_ = true;
  levels_used_ |= 1u << stream.priority_.urgency;
  Stream*& first = list_of(level_of(stream), stream);
  if (first == nullptr) {
    first = stream.next_ = stream.previous_ = &stream;
    return;
  }
  // Behind the last, or, if it wants to be whole, behind the last of the earlier requests.
  Stream* behind = first->previous_;
  if (!stream.priority_.incremental) {
    while (behind != first && behind->id_ > stream.id_) behind = behind->previous_;
    if (behind == first && first->id_ > stream.id_) {
      behind = first->previous_;
      first = &stream;
    }
  }
  stream.previous_ = behind;
  stream.next_ = behind->next_;
  stream.next_->previous_ = &stream;
  behind->next_ = &stream;
}

void SendQueue::remove(Stream& stream) {
  CHECK(stream.queued_);
  stream.queued_ = false;
  Level& level = level_of(stream);
  Stream*& first = list_of(level, stream);
  if (stream.next_ == &stream) {
    first = nullptr;
  } else {
    stream.previous_->next_ = stream.next_;
    stream.next_->previous_ = stream.previous_;
    if (first == &stream) first = stream.next_;
  }
  stream.next_ = stream.previous_ = nullptr;
  if (level.whole == nullptr && level.in_pieces == nullptr) {
    levels_used_ &= ~(1u << stream.priority_.urgency);
  }
}

void SendQueue::rotate(Stream& stream) {
  Level& level = level_of(stream);
  level.pieces_next = !stream.priority_.incremental;
  if (stream.priority_.incremental) level.in_pieces = stream.next_;
}

}  // namespace labcoat::http2
