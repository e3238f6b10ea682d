// TlsKeeper: the certificates that are in force. It reads the files at the start and again when
// they change; what cannot be used does not replace what can, not even when the edge dies: what it
// has read is kept for the next one.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "config/config.h"
#include "net/loop.h"
#include "net/ticket_keys.h"
#include "net/tls_context.h"
#include "net/tls_files.h"

namespace labcoat::edge {

// One per edge, and outlives its threads. All but current() is for the control thread.
class TlsKeeper final : public net::Watcher {
 public:
  // Where what was read goes, each time that it can be used.
  using Keep = std::function<void(const net::TlsFiles& files)>;
  // `kept`: what an edge before this one has kept, for when the files cannot be used. Errors: as of
  // net::TlsContext::load.
  static Result<std::unique_ptr<TlsKeeper>> create(const config::Tls& tls, Keep keep,
                                                   std::optional<net::TlsFiles> kept);

  // From now on looks at the files every other second.
  Status watch(net::Loop& loop);
  // Other files, or other rules for handshakes; reload() follows.
  void adopt(const config::Tls& tls);
  // Reads the files again, changed or not; logs what came of it.
  void reload();
  void on_events(u32 events) override;

  // For new connections; thread-safe.
  std::shared_ptr<const net::TlsContext> current() const;

 private:
  TlsKeeper(const config::Tls& tls, Keep keep) : keep_(std::move(keep)) { adopt(tls); }
  // Which version of which file is there: changes when any of them does.
  std::string look() const;

  Keep keep_;
  net::TlsSettings settings_;
  std::vector<std::string> files_;
  net::TicketKeys tickets_;
  std::string loaded_;  // look() before the last attempt to read
  std::string seen_;    // the last look()
  Fd timer_;
  mutable std::mutex mutex_;
  std::shared_ptr<const net::TlsContext> current_;
};

// What `--check` and a start have to say about certificates: an error, or warnings (one that has
// expired, or soon will).
Result<std::vector<std::string>> check_tls(const config::Tls& tls);

}  // namespace labcoat::edge
