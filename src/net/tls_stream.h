// TlsStream: one client's TLS, as calls that look like those of a socket: they never wait, and -1
// with errno EAGAIN means later.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/clock.h"

struct ssl_st;
struct bio_st;

namespace labcoat::net {

// What will be sent right after some bytes: they may wait for it, so that both travel together.
enum class Next : u8 {
  nothing,
  bytes,
  end,  // that we send no more
};

// The certificate that a client has shown and that was found good.
struct ClientCertificate {
  std::string subject;  // RFC 2253, ASCII: "CN=ann,O=Shop"
  std::string issuer;
  std::string serial;  // hexadecimal
};

// Made by TlsContext::accept. Does not own the socket, which outlives it. Not thread-safe.
class TlsStream {
 public:
  // Takes `ssl`. `kernel`: let the kernel encrypt, if it can. `read_ahead`: bytes of the client
  // that somebody has taken from the socket before.
  TlsStream(ssl_st* ssl, int socket, bool kernel, std::string_view read_ahead);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // First the handshake, and nothing else before it is done.
  enum class Handshake : u8 {
    done,
    later,       // when the socket is readable (or, rarely, writable) again
    failed,      // the client was told why
    plain_http,  // failed: the client does not speak TLS at all, but HTTP
  };
  Handshake handshake();

  // What the handshake has found.
  bool is_resumed() const;
  const char* version() const;    // "TLSv1.3"; lives for ever
  std::string_view alpn() const;  // "h2", "http/1.1" or nothing
  std::shared_ptr<const ClientCertificate> client_certificate() const;  // or none
  // The kernel makes the records of what is sent: write to the socket itself, as in clear. send()
  // and send_file() are not for this stream.
  bool kernel_sends() const { return kernel_sends_; }

  // As of net::Transport.
  ssize_t receive(char* out, size_t room);
  ssize_t send(const iovec* pieces, size_t count, Next next);
  ssize_t send_file(int file, i64 offset, size_t bytes);
  // Nothing is sent now: what the handshake has left for it goes alone.
  void push();
  // The last receive has emptied the socket, and there is nothing in between.
  bool is_drained() const;
  // The last receive has to send something of its own first (it answers a change of keys), and the
  // socket has no room.
  bool receive_waits_for_room() const { return receive_waits_for_room_; }
  // Says that nothing more comes: without it, the client must take what it got for cut off. False:
  // not yet, the socket has no room.
  bool end();
  // The end will not be said.
  void cut() { ended_ = true; }

 private:
  struct Bio;  // the socket as OpenSSL sees it
  friend struct Bio;
  static void see_message(int sent, int version, int type, const void* bytes, size_t count,
                          ssl_st* ssl, void* stream);

  ssize_t write(const char* bytes, size_t count);
  ssize_t failed();
  int read_socket(char* out, int room);
  int write_socket(const char* bytes, int count);
  bool is_sending_ticket() const;

  ssl_st* const ssl_;
  const int socket_;
  bool kernel_sends_ = false;
  bool drained_ = false;
  bool blocked_ = false;  // the socket had nothing when it was last read
  bool eof_ = false;
  bool receive_waits_for_room_ = false;
  bool handshake_done_ = false;
  bool broken_ = false;  // after a fatal error nothing more may be said
  bool ended_ = false;
  bool ticket_waits_ = false;  // in the kernel, for an answer
  bool cork_ = false;          // what OpenSSL writes now waits in the kernel for what follows
  // Length of a record that OpenSSL has made and the socket has not taken: the next write must be
  // of the same bytes.
  size_t pending_ = 0;
  std::string held_;        // to be sent with what follows
  std::string read_ahead_;  // not yet given to OpenSSL
  size_t read_ahead_used_ = 0;
};

}  // namespace labcoat::net
