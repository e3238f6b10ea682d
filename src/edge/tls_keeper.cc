#include "edge/tls_keeper.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace labcoat::edge {
namespace {

constexpr i64 look_s = 2;
constexpr i64 expires_soon_s = 7 * 24 * 3600;

net::TlsSettings settings_of(const config::Tls& tls) {
  net::TlsSettings settings;
  for (const config::Tls::Certificate& one : tls.certificates) {
    settings.certificates.push_back({one.file, one.key, one.hosts});
  }
  using Wanted = net::TlsSettings::ClientCertificates;
  settings.client_certificates = tls.client_certificates == "required"   ? Wanted::required
                                 : tls.client_certificates == "optional" ? Wanted::optional
                                                                         : Wanted::off;
  settings.client_ca = tls.client_ca;
  settings.only_tls13 = tls.version_min == "1.3";
  settings.offers_http2 = true;
  settings.kernel = tls.kernel;
  return settings;
}

std::vector<std::string> warnings_of(const net::TlsContext& context) {
  std::vector<std::string> warnings;
  const i64 now_s = wall_ns() / seconds;
  for (const net::TlsContext::Loaded& one : context.certificates()) {
    const i64 left_s = one.expires_s - now_s;
    if (left_s < 0) {
      warnings.push_back(fmt::format("the certificate {} has expired {} days ago", one.file,
                                     -left_s / (24 * 3600)));
    } else if (left_s < expires_soon_s) {
      warnings.push_back(
          fmt::format("the certificate {} expires in {} days", one.file, left_s / (24 * 3600)));
    }
    if (one.hosts.empty()) {
      warnings.push_back(fmt::format("the certificate {} names no host", one.file));
    }
  }
  return warnings;
}

}  // namespace

void TlsKeeper::adopt(const config::Tls& tls) {
  settings_ = settings_of(tls);
  files_.clear();
  for (const net::TlsSettings::Certificate& one : settings_.certificates) {
    files_.push_back(one.certificate);
    files_.push_back(one.key);
  }
  if (!settings_.client_ca.empty()) files_.push_back(settings_.client_ca);
}

Result<std::unique_ptr<TlsKeeper>> TlsKeeper::create(const config::Tls& tls, Keep keep,
                                                     std::optional<net::TlsFiles> kept) {
  std::unique_ptr<TlsKeeper> keeper(new TlsKeeper(tls, std::move(keep)));
  // Looked at first: what changes while it is read is read again.
  keeper->loaded_ = keeper->seen_ = keeper->look();
  net::TlsFiles files;
  auto context = net::TlsContext::load(keeper->settings_, keeper->tickets_, files);
  if (context) {
    keeper->keep_(files);
  } else if (kept) {
    const std::string why = context.error().text;
    context = net::TlsContext::load(keeper->settings_, keeper->tickets_, *kept);
    if (!context)
      return fail(why + " (and of those in force before: " + context.error().text + ")");
    spdlog::error("the certificates in force before stay, for the files cannot be used: {}", why);
  }
  if (!context) return tl::unexpected(context.error());
  for (const std::string& warning : warnings_of(**context)) spdlog::warn("{}", warning);
  keeper->current_ = std::move(*context);
  return keeper;
}

Status TlsKeeper::watch(net::Loop& loop) {
  timer_ = Fd(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  const itimerspec every{{look_s, 0}, {look_s, 0}};
  if (!timer_ || timerfd_settime(timer_.get(), 0, &every, nullptr) != 0) {
    return fail_errno("cannot look at the certificates from time to time");
  }
  return loop.watch(timer_.get(), EPOLLIN, *this);
}

// A certificate and its key are two files: while one is new and the other old they do not belong
// together. So a change must have been the same for two looks.
void TlsKeeper::on_events(u32) {
  u64 times = 0;
  [[maybe_unused]] const ssize_t got = ::read(timer_.get(), &times, sizeof times);
  std::string now = look();
  const bool settled = now == seen_;
  seen_ = std::move(now);
  if (settled && seen_ != loaded_) reload();
}

void TlsKeeper::reload() {
  loaded_ = seen_ = look();
  net::TlsFiles files;
  auto context = net::TlsContext::load(settings_, tickets_, files);
  if (!context) {
    spdlog::error("the certificates in force stay, for the new ones cannot be used: {}",
                  context.error().text);
    return;
  }
  for (const std::string& warning : warnings_of(**context)) spdlog::warn("{}", warning);
  for (const net::TlsContext::Loaded& one : (*context)->certificates()) {
    spdlog::info("certificate {}: for {}", one.file, fmt::join(one.hosts, ", "));
  }
  keep_(files);
  const std::lock_guard lock(mutex_);
  current_ = std::move(*context);
}

std::shared_ptr<const net::TlsContext> TlsKeeper::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

std::string TlsKeeper::look() const {
  std::string out;
  for (const std::string& file : files_) {
    struct stat info {};
    const int failed = ::stat(file.c_str(), &info);
    fmt::format_to(std::back_inserter(out), "{} {} {} {} {}.{} {}.{};", failed, info.st_dev,
                   info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec,
                   info.st_ctim.tv_sec, info.st_ctim.tv_nsec);  // ctim: who may read it
  }
  return out;
}

Result<std::vector<std::string>> check_tls(const config::Tls& tls) {
  if (tls.certificates.empty()) return std::vector<std::string>();
  net::TicketKeys tickets;
  net::TlsFiles files;
  const auto context = net::TlsContext::load(settings_of(tls), tickets, files);
  if (!context) return tl::unexpected(context.error());
  return warnings_of(**context);
}

}  // namespace labcoat::edge
