#include "net/tls_files.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include "base/sealed_file.h"
#include "base/text.h"

namespace labcoat::net {
namespace {

constexpr i64 file_bytes_max = 1 << 20;

// What holds keys for a moment only.
struct Wiped {
  std::string text;
  ~Wiped() { OPENSSL_cleanse(text.data(), text.size()); }
};

// Takes a length, a space and that many bytes from the front; false: they are not there.
bool take(std::string_view& from, std::string& out) {
  const size_t space = from.find(' ');
  if (space == from.npos) return false;
  const auto length = parse_int(from.substr(0, space));
  from.remove_prefix(space + 1);
  if (!length || *length < 0 || static_cast<u64>(*length) > from.size()) return false;
  out.assign(from.substr(0, static_cast<size_t>(*length)));
  from.remove_prefix(out.size());
  return true;
}

}  // namespace

TlsFiles::~TlsFiles() {
  for (auto& [file, text] : texts_) OPENSSL_cleanse(text.data(), text.size());
}

Result<std::string_view> TlsFiles::text(const std::string& file) {
  const auto known = texts_.find(file);
  if (known != texts_.end()) return known->second;
  if (!from_disk_) return fail(file + " is not among the files that were kept");
  auto text = read_file(file, file_bytes_max);
  if (!text) return tl::unexpected(text.error());
  return texts_.emplace(file, std::move(*text)).first->second;
}

Result<Fd> TlsFiles::save() const {
  Wiped all;
  size_t bytes = 0;
  for (const auto& [file, text] : texts_) bytes += file.size() + text.size() + 48;
  if (static_cast<i64>(bytes) > saved_bytes_max)
    return fail("certificates and keys together are too large to be kept");
  all.text.reserve(bytes);  // growing would leave copies behind
  for (const auto& [file, text] : texts_) {
    all.text += fmt::format("{} {}{} ", file.size(), file, text.size());
    all.text += text;
  }
  return sealed_file("labcoat-certificates", all.text);
}

Result<TlsFiles> TlsFiles::saved(int file) {
  auto read = read_file(fmt::format("/proc/self/fd/{}", file), saved_bytes_max);
  if (!read) return tl::unexpected(read.error());
  const Wiped all{std::move(*read)};
  TlsFiles out;
  out.from_disk_ = false;
  for (std::string_view left = all.text; !left.empty();) {
    std::string name;
    if (!take(left, name) || !take(left, out.texts_[name])) {
      return fail("the certificates that were kept make no sense");
    }
  }
  return out;
}

}  // namespace labcoat::net
