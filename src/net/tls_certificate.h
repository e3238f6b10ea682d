// TlsCertificate: a certificate with its chain and its key, read from PEM files and found to belong
// together.
#pragma once

#include <memory>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/tls_files.h"

namespace labcoat::net {

struct FreeOpenSsl {
  void operator()(X509* x) const { X509_free(x); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(STACK_OF(X509) * stack) const { sk_X509_pop_free(stack, X509_free); }
};
using X509Ptr = std::unique_ptr<X509, FreeOpenSsl>;
using X509Stack = std::unique_ptr<STACK_OF(X509), FreeOpenSsl>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeOpenSsl>;

struct TlsCertificate {
  X509Ptr leaf;
  X509Stack chain;  // without the leaf
  KeyPtr key;
  std::vector<std::string> hosts;  // DNS names of the leaf, else its common name
  i64 expires_s = 0;               // since the epoch
};

// Errors: a file that cannot be read, has no certificate (or key), a key with a password, one that
// belongs to another certificate.
Result<TlsCertificate> load_certificate(TlsFiles& files, const std::string& certificate_file,
                                        const std::string& key_file);

// All certificates of a PEM file, at least one.
Result<X509Stack> load_certificates(TlsFiles& files, const std::string& file);

// What OpenSSL has to say about its last failure; forgets it.
std::string openssl_reason();

}  // namespace labcoat::net
