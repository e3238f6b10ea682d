// Notebook: an append-only SQLite file with everything a study did: environment, seeds, every
// configuration before it was applied, every block with its slices, every verdict, also those of
// trials that failed. docs/formats/notebook.md is its contract. Each entry is on disk before the
// study goes on.
#pragma once

#include <memory>
#include <string>

#include "lab/measurer.h"

struct sqlite3;

namespace labcoat {

// Not thread-safe. A write that fails is remembered, and the rest is skipped: measuring goes on,
// status() tells.
class Notebook : public Observer {
 public:
  // Opens or creates the file and adds a new study to it.
  static Result<std::unique_ptr<Notebook>> open(const std::string& path);
  ~Notebook() override;
  Notebook(const Notebook&) = delete;
  Notebook& operator=(const Notebook&) = delete;

  void began(const Record& record) override;
  void journal(const std::string& sentence) override;
  void trial_began(size_t index, const Trial& trial, size_t questions_left) override;
  void block_done(size_t index, const Trial& trial, const Block& block) override;
  void trial_ended(size_t index, const Trial& trial) override;
  void floor_known(const Record& record) override;
  void ended(const Record& record) override;

  Status status() const { return status_; }

 private:
  class Insert;
  explicit Notebook(sqlite3* database) : database_(database) {}
  Status run(const char* sql);
  void note_failure(const std::string& what);

  sqlite3* database_;
  i64 study_ = 0;
  Status status_;
};

}  // namespace labcoat
