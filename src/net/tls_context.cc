#include "net/tls_context.h"

#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "net/tls_certificate.h"

#ifndef TCP_ULP
#define TCP_ULP 31
#endif

namespace labcoat::net {
namespace {

// Forward secrecy and authenticated encryption, nothing else. The order is ours: AES-128 is the
// cheapest with AES in the processor, and nobody breaks it.
constexpr const char* ciphers_12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* ciphers_13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

// Elliptic curves only: finite fields are slow enough to be an attack on us. The hybrid with ML-KEM
// (against those who keep today's bytes for tomorrow's computers) where OpenSSL has it, from 3.5
// on.
constexpr const char* groups[] = {"X25519MLKEM768:X25519:P-256:P-384", "X25519:P-256:P-384"};

// Whether the kernel knows TLS: then an unconnected socket is the only thing it minds.
bool kernel_has_tls() {
  const Fd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::setsockopt(probe.get(), IPPROTO_TCP, TCP_ULP, "tls", sizeof "tls") != 0 &&
         errno == ENOTCONN;
}

}  // namespace

void TlsContext::FreeContext::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

// What OpenSSL asks during a handshake; each gets the TlsContext.
struct TlsContext::Callbacks {
  // SNI: which certificate. A name that nobody has gets the first.
  static int choose_certificate(SSL* ssl, int*, void* argument) {
    const auto& self = *static_cast<const TlsContext*>(argument);
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
    const size_t index = self.hosts_.find(name, 0);
    if (index != 0) SSL_set_SSL_CTX(ssl, self.contexts_[index].get());
    return SSL_TLSEXT_ERR_OK;
  }

  // ALPN: ours goes first. A client that only speaks other protocols is told so (RFC 7301).
  static int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_length,
                             const unsigned char* offered, unsigned offered_length,
                             void* argument) {
    static constexpr unsigned char both[] = "\x02h2\x08http/1.1";
    const bool http2 = static_cast<const TlsContext*>(argument)->offers_http2_;
    const unsigned char* ours = http2 ? both : both + 3;
    const auto ours_length = static_cast<unsigned>(sizeof both - 1 - (http2 ? 0 : 3));
    unsigned char* chosen = nullptr;
    const int found =
        SSL_select_next_proto(&chosen, out_length, ours, ours_length, offered, offered_length);
    *out = chosen;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
  }

  static bool use(const TicketKey& key, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
                  EVP_MAC_CTX* mac, bool seal) {
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<u8*>(key.mac.data()),
                                          key.mac.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    return EVP_MAC_CTX_set_params(mac, parameters) == 1 &&
           EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv,
                             seal ? 1 : 0) == 1;
  }

  // 0: no ticket, or a full handshake; 1: done; 2: done, and the client gets a new one.
  static int ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                        EVP_MAC_CTX* mac, int seal) {
    const auto* self = static_cast<const TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    if (seal == 1) {
      const auto key = self->tickets_.to_seal(now_ns());
      if (!key || RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1) return 0;
      std::memcpy(name, key->name.data(), key->name.size());
      return use(*key, iv, cipher, mac, true) ? 1 : -1;
    }
    const std::string_view shown(reinterpret_cast<char*>(name), sizeof TicketKey::name);
    const auto found = self->tickets_.to_open(shown, now_ns());
    if (!found) return 0;
    if (!use(found->key, iv, cipher, mac, false)) return -1;
    return found->renew ? 2 : 1;
  }
};

TlsContext::TlsContext(const TlsSettings& settings, TicketKeys& tickets)
    : tickets_(tickets),
      offers_http2_(settings.offers_http2),
      kernel_(settings.kernel && kernel_has_tls()) {}

TlsContext::~TlsContext() = default;

Result<std::shared_ptr<const TlsContext>> TlsContext::load(const TlsSettings& settings,
                                                           TicketKeys& tickets, TlsFiles& files) {
  std::shared_ptr<TlsContext> self(new TlsContext(settings, tickets));
  for (const TlsSettings::Certificate& pair : settings.certificates) {
    if (const Status status = self->add(settings, pair, files); !status) {
      return tl::unexpected(status.error());
    }
  }
  if (self->contexts_.empty()) return fail("there is no certificate");
  if (const Status status = self->name_sessions(settings, files); !status) {
    return tl::unexpected(status.error());
  }
  return std::shared_ptr<const TlsContext>(std::move(self));
}

Status TlsContext::add(const TlsSettings& settings, const TlsSettings::Certificate& pair,
                       TlsFiles& files) {
  auto certificate = load_certificate(files, pair.certificate, pair.key);
  if (!certificate) return tl::unexpected(certificate.error());
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (!context) return fail("OpenSSL cannot begin: " + openssl_reason());
  SSL_CTX* const raw = context.get();
  SSL_CTX_set_min_proto_version(raw, settings.only_tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                               SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                               SSL_OP_IGNORE_UNEXPECTED_EOF);
  // Idle connections give their buffers back, and one read takes a whole record.
  SSL_CTX_set_mode(raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_clear_mode(raw, SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_read_ahead(raw, 1);
  // Sessions live in tickets, with the clients. One each: OpenSSL would make two, with a system
  // call for each, and a resumed session gets a new one anyway.
  SSL_CTX_set_num_tickets(raw, 1);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(raw, tickets_.ticket_age_max_ns() / seconds);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(raw, Callbacks::ticket_key);
  SSL_CTX_set_tlsext_servername_callback(raw, Callbacks::choose_certificate);
  SSL_CTX_set_tlsext_servername_arg(raw, this);
  SSL_CTX_set_alpn_select_cb(raw, Callbacks::choose_protocol, this);
  SSL_CTX_set_app_data(raw, this);
  const bool has_groups = SSL_CTX_set1_groups_list(raw, groups[0]) == 1 ||
                          SSL_CTX_set1_groups_list(raw, groups[1]) == 1;
  if (!has_groups || SSL_CTX_set_cipher_list(raw, ciphers_12) != 1 ||
      SSL_CTX_set_ciphersuites(raw, ciphers_13) != 1) {
    return fail("this OpenSSL lacks what labcoat offers: " + openssl_reason());
  }
  ERR_clear_error();
  if (SSL_CTX_use_cert_and_key(raw, certificate->leaf.get(), certificate->key.get(),
                               certificate->chain.get(), 1) != 1) {
    return fail("OpenSSL does not accept the certificate " + pair.certificate + ": " +
                openssl_reason());
  }
  if (const Status status = ask_for_client_certificates(settings, files, *raw); !status)
    return status;
  const std::vector<std::string>& hosts = pair.hosts.empty() ? certificate->hosts : pair.hosts;
  for (const std::string& host : hosts) hosts_.add(host, contexts_.size());
  contexts_.push_back(std::move(context));
  loaded_.push_back({pair.certificate, hosts, certificate->expires_s});
  return {};
}

Status TlsContext::ask_for_client_certificates(const TlsSettings& settings, TlsFiles& files,
                                               SSL_CTX& context) {
  using Wanted = TlsSettings::ClientCertificates;
  if (settings.client_certificates == Wanted::off) return {};
  const auto authorities = load_certificates(files, settings.client_ca);
  if (!authorities) return fail("client_ca: " + authorities.error().text);
  X509_STORE* const store = SSL_CTX_get_cert_store(&context);
  for (int i = 0; i < sk_X509_num(authorities->get()); ++i) {
    X509* const one = sk_X509_value(authorities->get(), i);
    // The names are told to clients, so that they can choose among their certificates.
    if (X509_STORE_add_cert(store, one) != 1 || SSL_CTX_add_client_CA(&context, one) != 1) {
      return fail("client_ca: OpenSSL does not accept a certificate of " + settings.client_ca +
                  ": " + openssl_reason());
    }
  }
  const bool required = settings.client_certificates == Wanted::required;
  SSL_CTX_set_verify(&context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     nullptr);
  return {};
}

// A ticket is only good where clients are checked in the same way: after a change of client_ca
// everybody shows a certificate again.
Status TlsContext::name_sessions(const TlsSettings& settings, TlsFiles& files) {
  std::string basis = std::to_string(static_cast<int>(settings.client_certificates));
  if (settings.client_certificates != TlsSettings::ClientCertificates::off) {
    const auto authorities = files.text(settings.client_ca);
    if (!authorities) return tl::unexpected(authorities.error());
    basis += *authorities;
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  if (EVP_Digest(basis.data(), basis.size(), digest, &length, EVP_sha256(), nullptr) != 1) {
    return fail("OpenSSL has no SHA-256: " + openssl_reason());
  }
  static_assert(SSL_MAX_SID_CTX_LENGTH == 32);
  for (const ContextPtr& context : contexts_) {
    SSL_CTX_set_session_id_context(context.get(), digest, length);
  }
  return {};
}

std::unique_ptr<TlsStream> TlsContext::accept(int socket, std::string_view read_ahead) const {
  SSL* const ssl = SSL_new(contexts_.front().get());
  if (ssl == nullptr) {
    ERR_clear_error();
    return nullptr;
  }
  return std::make_unique<TlsStream>(ssl, socket, kernel_, read_ahead);
}

}  // namespace labcoat::net
