#include "net/tls_certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace labcoat::net {
namespace {

using BioPtr = std::unique_ptr<BIO, decltype(&BIO_free)>;

BioPtr reader_of(std::string_view text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

// Nobody is there to type one: without this OpenSSL would ask on the terminal.
int no_password(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Result<KeyPtr> load_key(TlsFiles& files, const std::string& file) {
  const auto text = files.text(file);
  if (!text) return fail("the key cannot be read: " + text.error().text);
  const BioPtr reader = reader_of(*text);
  bool asked = false;
  KeyPtr key(PEM_read_bio_PrivateKey(reader.get(), nullptr, no_password, &asked));
  const std::string reason = openssl_reason();
  if (key) return key;
  if (asked) {
    return fail("the key " + file +
                " has a password; take it off (openssl pkey -in OLD -out NEW), and let nobody "
                "else read the file");
  }
  return fail("there is no private key in PEM form in " + file + " (" + reason + ")");
}

void add_name(const ASN1_STRING* from, std::vector<std::string>& out) {
  unsigned char* text = nullptr;
  const int length = ASN1_STRING_to_UTF8(&text, from);
  // A zero byte inside once fooled many: "bank.example\0.evil.example".
  const std::string name(reinterpret_cast<char*>(text),
                         length > 0 ? static_cast<size_t>(length) : 0);
  OPENSSL_free(text);
  if (!name.empty() && name.find('\0') == name.npos) out.push_back(name);
}

std::vector<std::string> names_of(const X509* certificate) {
  std::vector<std::string> names;
  auto* alternatives = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives, i);
    if (name->type == GEN_DNS) add_name(name->d.dNSName, names);
  }
  GENERAL_NAMES_free(alternatives);
  if (!names.empty()) return names;
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0) add_name(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), names);
  return names;
}

i64 end_of(const X509* certificate) {
  tm when{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &when) != 1) return 0;
  return timegm(&when);
}

}  // namespace

std::string openssl_reason() {
  const char* text = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return text == nullptr ? "for no reason that OpenSSL knows" : text;
}

Result<X509Stack> load_certificates(TlsFiles& files, const std::string& file) {
  const auto text = files.text(file);
  if (!text) return fail("the certificate cannot be read: " + text.error().text);
  const BioPtr reader = reader_of(*text);
  X509Stack out(sk_X509_new_null());
  while (X509* one = PEM_read_bio_X509_AUX(reader.get(), nullptr, nullptr, nullptr)) {
    if (sk_X509_push(out.get(), one) == 0) {
      X509_free(one);
      return fail("no memory for the certificates of " + file);
    }
  }
  // The end of the file says "no start line"; anything else is a certificate that is broken.
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string reason = openssl_reason();
  if (sk_X509_num(out.get()) > 0 && at_end) return out;
  return at_end ? fail("there is no certificate in PEM form in " + file)
                : fail("a certificate in " + file + " is broken (" + reason + ")");
}

Result<TlsCertificate> load_certificate(TlsFiles& files, const std::string& certificate_file,
                                        const std::string& key_file) {
  auto chain = load_certificates(files, certificate_file);
  if (!chain) return tl::unexpected(chain.error());
  auto key = load_key(files, key_file);
  if (!key) return tl::unexpected(key.error());
  TlsCertificate out;
  out.leaf.reset(sk_X509_shift(chain->get()));
  out.chain = std::move(*chain);
  out.key = std::move(*key);
  if (X509_check_private_key(out.leaf.get(), out.key.get()) != 1) {
    ERR_clear_error();
    return fail("the key " + key_file + " does not belong to the certificate " + certificate_file +
                " (the first in that file; the chain comes after it)");
  }
  out.hosts = names_of(out.leaf.get());
  out.expires_s = end_of(out.leaf.get());
  return out;
}

}  // namespace labcoat::net
