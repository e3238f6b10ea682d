// TlsContext: everything a handshake needs to know, made once from files and never changed: new
// files make a new context. Shared by all threads.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/host_table.h"
#include "net/ticket_keys.h"
#include "net/tls_files.h"
#include "net/tls_stream.h"

struct ssl_ctx_st;

namespace labcoat::net {

struct TlsSettings {
  struct Certificate {
    std::string certificate;  // PEM: the certificate, then its chain
    std::string key;
    std::vector<std::string> hosts;  // empty: those the certificate names
  };
  // The first is also for clients that name no host, or one that nobody has.
  std::vector<Certificate> certificates;
  enum class ClientCertificates : u8 { off, optional, required };
  ClientCertificates client_certificates = ClientCertificates::off;
  std::string client_ca;    // PEM: whose certificates clients may show
  bool only_tls13 = false;  // else 1.2 as well
  bool offers_http2 = false;
  bool kernel = true;  // let the kernel encrypt, where it can
};

class TlsContext {
 public:
  // `tickets` outlives every context and every stream made from it. Errors name the file. `files`
  // holds then what was read.
  static Result<std::shared_ptr<const TlsContext>> load(const TlsSettings& settings,
                                                        TicketKeys& tickets, TlsFiles& files);
  ~TlsContext();

  // The beginning of a handshake on a connected socket. The context must live until it is done.
  // Nothing: for want of memory.
  std::unique_ptr<TlsStream> accept(int socket, std::string_view read_ahead) const;

  struct Loaded {
    std::string file;
    std::vector<std::string> hosts;
    i64 expires_s = 0;  // since the epoch
  };
  const std::vector<Loaded>& certificates() const { return loaded_; }

 private:
  struct Callbacks;
  friend struct Callbacks;
  struct FreeContext {
    void operator()(ssl_ctx_st* context) const;
  };
  using ContextPtr = std::unique_ptr<ssl_ctx_st, FreeContext>;

  TlsContext(const TlsSettings& settings, TicketKeys& tickets);
  Status add(const TlsSettings& settings, const TlsSettings::Certificate& pair, TlsFiles& files);
  Status ask_for_client_certificates(const TlsSettings& settings, TlsFiles& files,
                                     ssl_ctx_st& context);
  Status name_sessions(const TlsSettings& settings, TlsFiles& files);

  TicketKeys& tickets_;
  const bool offers_http2_;
  const bool kernel_;
  std::vector<ContextPtr> contexts_;  // one per certificate
  std::vector<Loaded> loaded_;
  HostTable hosts_;  // to indices of contexts_
};

}  // namespace labcoat::net
