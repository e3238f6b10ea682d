#include "net/tls_stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "base/check.h"

#ifndef TCP_ULP
#define TCP_ULP 31
#endif

namespace labcoat::net {
namespace {

constexpr size_t record_bytes_max = SSL3_RT_MAX_PLAIN_LENGTH;
// A head that is followed by a file travels in the file's first record.
constexpr size_t held_bytes_max = 4096;
// Reads in a row that gave records but no data (changes of keys, warnings). No honest client fills
// two with them.
constexpr int empty_reads_max = 4;

using Record = std::array<char, record_bytes_max>;

// Where a record's pieces are put together: scratch for one call, too large for every connection.
Record& scratch() {
  thread_local Record record;
  return record;
}

// OpenSSL tells a failure from "later" by what is in the thread's queue of errors; some calls leave
// one there although they have succeeded, maybe on another connection.
void forget_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

bool has_room(int socket) {
  pollfd asked{socket, POLLOUT, 0};
  return ::poll(&asked, 1, 0) == 1;
}

std::string name_text(const X509_NAME* name) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  // Escapes what is not ASCII, and every control character.
  if (!out || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253) < 0) return "";
  char* text = nullptr;
  const long length = BIO_get_mem_data(out.get(), &text);
  return length > 0 ? std::string(text, static_cast<size_t>(length)) : "";
}

std::string serial_text(const X509* certificate) {
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr), BN_free);
  char* const text = number ? BN_bn2hex(number.get()) : nullptr;
  std::string out(text == nullptr ? "" : text);
  OPENSSL_free(text);
  return out;
}

}  // namespace

// Our own, instead of OpenSSL's BIO for sockets: it knows when a read has emptied the socket, which
// saves a system call per request; and it can begin with bytes that somebody else has read.
struct TlsStream::Bio {
  static BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* fresh = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "labcoat");
      CHECK(fresh != nullptr);
      BIO_meth_set_read(fresh, read);
      BIO_meth_set_write(fresh, write);
      BIO_meth_set_ctrl(fresh, control);
      return fresh;
    }();
    return made;
  }

  static BIO* create(TlsStream& stream) {
    BIO* bio = BIO_new(method());
    CHECK(bio != nullptr);
    BIO_set_data(bio, &stream);
    BIO_set_init(bio, 1);
    return bio;
  }

  static TlsStream& stream_of(BIO* bio) { return *static_cast<TlsStream*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* out, int room) {
    BIO_clear_retry_flags(bio);
    const int got = stream_of(bio).read_socket(out, room);
    if (got < 0 && errno == EAGAIN) BIO_set_retry_read(bio);
    return got;
  }

  static int write(BIO* bio, const char* bytes, int count) {
    BIO_clear_retry_flags(bio);
    const int sent = stream_of(bio).write_socket(bytes, count);
    if (sent < 0 && errno == EAGAIN) BIO_set_retry_write(bio);
    return sent;
  }

  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return stream_of(bio).eof_ ? 1 : 0;
    return 0;
  }
};

TlsStream::TlsStream(ssl_st* ssl, int socket, bool kernel, std::string_view read_ahead)
    : ssl_(ssl), socket_(socket), read_ahead_(read_ahead) {
  BIO* const ours = Bio::create(*this);
  SSL_set0_rbio(ssl_, ours);
  if (kernel && ::setsockopt(socket, IPPROTO_TCP, TCP_ULP, "tls", sizeof "tls") == 0) {
    // Only OpenSSL's own BIO can hand the keys to the kernel.
    BIO* const theirs = BIO_new_socket(socket, BIO_NOCLOSE);
    CHECK(theirs != nullptr);
    SSL_set0_wbio(ssl_, theirs);
    SSL_set_options(ssl_, SSL_OP_ENABLE_KTLS);
  } else {
    BIO_up_ref(ours);
    SSL_set0_wbio(ssl_, ours);
  }
  SSL_set_accept_state(ssl_);
}

TlsStream::~TlsStream() {
  SSL_free(ssl_);
}

int TlsStream::read_socket(char* out, int room) {
  if (read_ahead_used_ < read_ahead_.size()) {
    const size_t got = std::min(static_cast<size_t>(room), read_ahead_.size() - read_ahead_used_);
    std::memcpy(out, read_ahead_.data() + read_ahead_used_, got);
    read_ahead_used_ += got;
    if (read_ahead_used_ == read_ahead_.size()) {
      read_ahead_ = std::string();
      read_ahead_used_ = 0;
    }
    return static_cast<int>(got);
  }
  ssize_t got;
  do {
    got = ::recv(socket_, out, static_cast<size_t>(room), 0);
  } while (got < 0 && errno == EINTR);
  blocked_ = got < 0 && errno == EAGAIN;
  drained_ = blocked_ || (got > 0 && got < room);
  eof_ = got == 0;
  return static_cast<int>(got);
}

// A client of TLS 1.3 is done with its handshake then, and its request may be here already: the
// ticket travels with the answer. (In TLS 1.2 the client waits for what comes with the ticket.)
bool TlsStream::is_sending_ticket() const {
  return !handshake_done_ && SSL_get_state(ssl_) == TLS_ST_SW_SESSION_TICKET &&
         SSL_version(ssl_) == TLS1_3_VERSION;
}

int TlsStream::write_socket(const char* bytes, int count) {
  ticket_waits_ = is_sending_ticket();
  const int flags = MSG_NOSIGNAL | (cork_ || ticket_waits_ ? MSG_MORE : 0);
  ssize_t sent;
  do {
    sent = ::send(socket_, bytes, static_cast<size_t>(count), flags);
  } while (sent < 0 && errno == EINTR);
  return static_cast<int>(sent);
}

TlsStream::Handshake TlsStream::handshake() {
  forget_errors();
  if (SSL_do_handshake(ssl_) == 1) {
    handshake_done_ = true;
    kernel_sends_ = BIO_get_ktls_send(SSL_get_wbio(ssl_)) != 0;
    if (kernel_sends_) {
      SSL_set_msg_callback(ssl_, see_message);
      SSL_set_msg_callback_arg(ssl_, this);
    }
    return Handshake::done;
  }
  const int error = SSL_get_error(ssl_, 0);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return Handshake::later;
  broken_ = true;
  const int reason = ERR_GET_REASON(ERR_peek_error());
  ERR_clear_error();
  const bool http = error == SSL_ERROR_SSL && reason == SSL_R_HTTP_REQUEST;
  return http ? Handshake::plain_http : Handshake::failed;
}

// A client may wish for new keys of ours (RFC 8446 section 4.6.3), but the kernel has got the old
// ones for good: that is the end, or all that follows would be noise to the client.
void TlsStream::see_message(int sent, int, int type, const void* bytes, size_t count, ssl_st*,
                            void* stream) {
  const auto* const message = static_cast<const unsigned char*>(bytes);
  if (sent == 0 && type == SSL3_RT_HANDSHAKE && count > SSL3_HM_HEADER_LENGTH &&
      message[0] == SSL3_MT_KEY_UPDATE && message[SSL3_HM_HEADER_LENGTH] != 0) {
    static_cast<TlsStream*>(stream)->broken_ = true;
  }
}

bool TlsStream::is_resumed() const {
  return SSL_session_reused(ssl_) == 1;
}

const char* TlsStream::version() const {
  return SSL_get_version(ssl_);
}

std::string_view TlsStream::alpn() const {
  const unsigned char* name = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(ssl_, &name, &length);
  return {reinterpret_cast<const char*>(name), length};
}

std::shared_ptr<const ClientCertificate> TlsStream::client_certificate() const {
  const X509* const shown = SSL_get0_peer_certificate(ssl_);
  if (shown == nullptr || SSL_get_verify_result(ssl_) != X509_V_OK) return nullptr;
  return std::make_shared<const ClientCertificate>(
      ClientCertificate{.subject = name_text(X509_get_subject_name(shown)),
                        .issuer = name_text(X509_get_issuer_name(shown)),
                        .serial = serial_text(shown)});
}

ssize_t TlsStream::receive(char* out, size_t room) {
  drained_ = blocked_ = receive_waits_for_room_ = false;
  for (int i = 0; i < empty_reads_max; ++i) {
    size_t got = 0;
    forget_errors();
    const bool done = SSL_read_ex(ssl_, out, room, &got) == 1;
    const int saved = errno;
    if (broken_) break;
    if (done) return static_cast<ssize_t>(got);
    const int error = SSL_get_error(ssl_, 0);
    // After a record that was not data OpenSSL comes back (SSL_MODE_AUTO_RETRY is off).
    if (error == SSL_ERROR_WANT_READ && !blocked_) continue;
    receive_waits_for_room_ = error == SSL_ERROR_WANT_WRITE;
    if (error == SSL_ERROR_ZERO_RETURN) return 0;
    errno = saved;
    return failed();
  }
  broken_ = true;
  errno = EPROTO;
  return -1;
}

bool TlsStream::is_drained() const {
  return drained_ && SSL_has_pending(ssl_) == 0;
}

// After a call that did not succeed; errno is still that of the call.
ssize_t TlsStream::failed() {
  const int saved = errno;
  const int error = SSL_get_error(ssl_, 0);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
    errno = EAGAIN;
    return -1;
  }
  broken_ = true;
  ERR_clear_error();
  const bool by_socket = error == SSL_ERROR_SYSCALL && saved != 0 && saved != EAGAIN;
  errno = by_socket ? saved : EPROTO;
  return -1;
}

ssize_t TlsStream::write(const char* bytes, size_t count) {
  size_t written = 0;
  forget_errors();
  if (SSL_write_ex(ssl_, bytes, count, &written) == 1) {
    pending_ = 0;
    return static_cast<ssize_t>(written);
  }
  pending_ = count;
  return failed();
}

// One record at most. The caller sends the rest, and what a full socket did not take, again.
ssize_t TlsStream::send(const iovec* pieces, size_t count, Next next) {
  size_t total = 0;
  for (size_t i = 0; i < count; ++i) total += pieces[i].iov_len;
  cork_ = next == Next::end;
  if (next == Next::bytes && pending_ == 0 && held_.size() + total <= held_bytes_max) {
    for (size_t i = 0; i < count; ++i) {
      held_.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
    }
    return static_cast<ssize_t>(total);
  }
  const size_t room = pending_ != 0 ? pending_ : record_bytes_max;
  if (held_.empty() && (count == 1 || pieces->iov_len >= room)) {
    return write(static_cast<const char*>(pieces->iov_base), std::min(pieces->iov_len, room));
  }
  Record& record = scratch();
  std::memcpy(record.data(), held_.data(), held_.size());
  size_t filled = held_.size();
  for (size_t i = 0; i < count && filled < room; ++i) {
    const size_t bytes = std::min(pieces[i].iov_len, room - filled);
    std::memcpy(record.data() + filled, pieces[i].iov_base, bytes);
    filled += bytes;
  }
  const ssize_t written = write(record.data(), filled);
  if (written < 0) return -1;
  const auto sent = written - static_cast<ssize_t>(held_.size());
  held_ = std::string();
  return sent;
}

ssize_t TlsStream::send_file(int file, i64 offset, size_t bytes) {
  Record& record = scratch();
  size_t sent = 0;
  while (sent < bytes) {
    // A record that the socket did not take is with OpenSSL: only its length matters now. The file
    // may have changed since.
    size_t filled = pending_;
    if (filled == 0) {
      std::memcpy(record.data(), held_.data(), held_.size());
      const size_t wanted = std::min(record.size() - held_.size(), bytes - sent);
      ssize_t got;
      do {
        got = ::pread(file, record.data() + held_.size(), wanted, offset + static_cast<i64>(sent));
      } while (got < 0 && errno == EINTR);
      if (got <= 0) return sent > 0 ? static_cast<ssize_t>(sent) : got;
      filled = held_.size() + static_cast<size_t>(got);
    }
    if (write(record.data(), filled) < 0) return sent > 0 ? static_cast<ssize_t>(sent) : -1;
    sent += filled - held_.size();
    held_ = std::string();
  }
  return static_cast<ssize_t>(sent);
}

// Its acknowledgement of what the client has sent waits with it, and the client's next segment may
// wait for that (Nagle's algorithm). The option is set already; setting it sends what waits.
void TlsStream::push() {
  if (!std::exchange(ticket_waits_, false)) return;
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool TlsStream::end() {
  if (ended_ || broken_ || !handshake_done_) return true;
  // The kernel also takes a record that it cannot pass on yet. A FIN would overtake it.
  if (kernel_sends_ && !has_room(socket_)) return false;
  forget_errors();
  cork_ = true;  // the socket's own end follows
  const int said = SSL_shutdown(ssl_);
  ended_ = said >= 0 || SSL_get_error(ssl_, said) != SSL_ERROR_WANT_WRITE;
  ERR_clear_error();
  return ended_;
}

}  // namespace labcoat::net
