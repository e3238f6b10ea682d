#include "lab/notebook.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sqlite3.h>

#include "base/clock.h"

namespace labcoat {
namespace {

// synchronous=FULL: an entry that was written survives a power cut. Rows are only ever added: what
// was true of a trial when it ended stands in a row of its own (verdict), instead of changing the
// row of its beginning.
constexpr const char* schema = R"sql(
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA user_version = 1;
CREATE TABLE IF NOT EXISTS study (
  id INTEGER PRIMARY KEY, began_ns INTEGER NOT NULL, target TEXT NOT NULL, metric TEXT NOT NULL,
  direction TEXT NOT NULL, margin REAL NOT NULL, budget_ns INTEGER NOT NULL, seed TEXT NOT NULL,
  load TEXT NOT NULL, command TEXT NOT NULL, baseline TEXT NOT NULL, environment TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS journal (
  id INTEGER PRIMARY KEY, study INTEGER NOT NULL REFERENCES study, at_ns INTEGER NOT NULL,
  sentence TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS trial (
  study INTEGER NOT NULL REFERENCES study, number INTEGER NOT NULL, at_ns INTEGER NOT NULL,
  phase TEXT NOT NULL, knob TEXT NOT NULL, from_value TEXT NOT NULL, to_value TEXT NOT NULL,
  why TEXT NOT NULL, changes TEXT NOT NULL, PRIMARY KEY (study, number));
CREATE TABLE IF NOT EXISTS block (
  study INTEGER NOT NULL, trial INTEGER NOT NULL, number INTEGER NOT NULL, at_ns INTEGER NOT NULL,
  ended TEXT NOT NULL, reason TEXT NOT NULL, log_gain REAL, seed TEXT NOT NULL,
  elapsed_ns INTEGER NOT NULL, a TEXT NOT NULL, b TEXT NOT NULL,
  PRIMARY KEY (study, trial, number), FOREIGN KEY (study, trial) REFERENCES trial);
CREATE TABLE IF NOT EXISTS slice (
  study INTEGER NOT NULL, trial INTEGER NOT NULL, block INTEGER NOT NULL, number INTEGER NOT NULL,
  arm TEXT NOT NULL, start_ns INTEGER NOT NULL, busy_ns INTEGER NOT NULL, ok INTEGER NOT NULL,
  errors INTEGER NOT NULL, mean_us REAL NOT NULL, p50_us REAL NOT NULL, p99_us REAL NOT NULL,
  PRIMARY KEY (study, trial, block, number),
  FOREIGN KEY (study, trial, block) REFERENCES block);
CREATE TABLE IF NOT EXISTS verdict (
  study INTEGER NOT NULL, trial INTEGER NOT NULL, at_ns INTEGER NOT NULL, verdict TEXT NOT NULL,
  blocks INTEGER NOT NULL, log_mean REAL, log_lower REAL, log_upper REAL, confidence REAL,
  kept INTEGER NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (study, trial));
CREATE TABLE IF NOT EXISTS floor (
  study INTEGER PRIMARY KEY REFERENCES study, blocks INTEGER NOT NULL, half_width REAL NOT NULL,
  detectable REAL NOT NULL, margin REAL NOT NULL, baseline_value REAL NOT NULL,
  diagnosis TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS ending (
  study INTEGER PRIMARY KEY REFERENCES study, at_ns INTEGER NOT NULL, elapsed_ns INTEGER NOT NULL,
  recommended TEXT NOT NULL, confirmed INTEGER NOT NULL, interrupted INTEGER NOT NULL,
  notes TEXT NOT NULL);
)sql";

std::string json_of(const KnobValues& values) {
  return nlohmann::json(values).dump();
}

std::string json_of(const Environment& environment) {
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  for (const auto& [name, value] : environment.facts) out[name] = value;
  return out.dump();
}

std::string json_of(const ArmSample& sample) {
  nlohmann::ordered_json out = {{"ok", sample.ok},
                                {"errors", sample.errors},
                                {"busy_ns", sample.busy_ns},
                                {"cpu_ns", sample.cpu_ns},
                                {"memory_bytes", sample.memory_bytes},
                                {"generator_cpu_share", sample.generator_share},
                                {"mean_us", sample.latency.mean},
                                {"p50_us", sample.latency.p50},
                                {"p90_us", sample.latency.p90},
                                {"p95_us", sample.latency.p95},
                                {"p99_us", sample.latency.p99}};
  if (sample.reported) out["reported"] = *sample.reported;
  return out.dump();
}

const char* end_name(BlockEnd end) {
  switch (end) {
    case BlockEnd::complete:
      return "complete";
    case BlockEnd::unsafe:
      return "unsafe";
    case BlockEnd::not_started:
      return "not_started";
    case BlockEnd::interrupted:
      return "interrupted";
  }
  return "";
}

i64 of(size_t count) {
  return static_cast<i64>(count);
}

}  // namespace

// One INSERT with its values in order.
class Notebook::Insert {
 public:
  Insert(Notebook& notebook, const char* table, int columns) : notebook_(notebook) {
    std::string sql = fmt::format("INSERT INTO {} VALUES (?", table);
    for (int i = 1; i < columns; ++i) sql += ",?";
    sql += ")";
    if (sqlite3_prepare_v2(notebook_.database_, sql.c_str(), -1, &statement_, nullptr) !=
        SQLITE_OK) {
      notebook_.note_failure(table);
    }
  }
  ~Insert() { sqlite3_finalize(statement_); }

  Insert& add(i64 value) {
    sqlite3_bind_int64(statement_, ++column_, value);
    return *this;
  }
  Insert& add(double value) {
    sqlite3_bind_double(statement_, ++column_, value);
    return *this;
  }
  Insert& add(const std::string& value) {
    sqlite3_bind_text(statement_, ++column_, value.data(), static_cast<int>(value.size()),
                      SQLITE_TRANSIENT);
    return *this;
  }
  Insert& add_nothing() {
    sqlite3_bind_null(statement_, ++column_);
    return *this;
  }
  void write() {
    if (statement_ != nullptr && sqlite3_step(statement_) != SQLITE_DONE) {
      notebook_.note_failure("a row");
    }
  }

 private:
  Notebook& notebook_;
  sqlite3_stmt* statement_ = nullptr;
  int column_ = 0;
};

Result<std::unique_ptr<Notebook>> Notebook::open(const std::string& path) {
  sqlite3* database = nullptr;
  const int code = sqlite3_open(path.c_str(), &database);
  std::unique_ptr<Notebook> notebook(new Notebook(database));
  if (code != SQLITE_OK) {
    return fail(fmt::format("cannot open the notebook {}: {}", path, sqlite3_errstr(code)));
  }
  sqlite3_busy_timeout(database, 5000);
  if (auto status = notebook->run(schema); !status) {
    return fail(fmt::format("cannot write the notebook {}: {}; is another labcoat tune using it?",
                            path, status.error().text));
  }
  return notebook;
}

Notebook::~Notebook() {
  sqlite3_close(database_);
}

Status Notebook::run(const char* sql) {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return fail(sqlite3_errmsg(database_));
}

void Notebook::note_failure(const std::string& what) {
  if (status_) {
    status_ =
        fail(fmt::format("cannot write {} into the notebook: {}", what, sqlite3_errmsg(database_)));
  }
}

void Notebook::began(const Record& record) {
  Insert(*this, "study", 12)
      .add_nothing()
      .add(wall_ns())
      .add(record.target)
      .add(std::string(record.metric.name))
      .add(std::string(record.metric.more_is_better ? "maximize" : "minimize"))
      .add(record.margin)
      .add(record.budget_ns)
      .add(std::to_string(record.seed))
      .add(record.load)
      .add(record.command)
      .add(json_of(record.baseline))
      .add(json_of(record.environment))
      .write();
  study_ = sqlite3_last_insert_rowid(database_);
}

void Notebook::journal(const std::string& sentence) {
  Insert(*this, "journal", 4).add_nothing().add(study_).add(wall_ns()).add(sentence).write();
}

void Notebook::trial_began(size_t index, const Trial& trial, size_t) {
  Insert(*this, "trial", 9)
      .add(study_)
      .add(of(index))
      .add(wall_ns())
      .add(std::string(phase_name(trial.phase)))
      .add(trial.knob)
      .add(trial.from)
      .add(trial.to)
      .add(trial.why)
      .add(json_of(trial.changes))
      .write();
}

void Notebook::block_done(size_t index, const Trial& trial, const Block& block) {
  // One transaction, so one wait for the disk a block.
  if (auto status = run("BEGIN"); !status) note_failure("a block");
  const i64 number = of(trial.blocks.size()) - 1;
  Insert row(*this, "block", 11);
  row.add(study_).add(of(index)).add(number).add(wall_ns());
  row.add(std::string(end_name(block.end))).add(block.reason);
  if (block.log_gain) {
    row.add(*block.log_gain);
  } else {
    row.add_nothing();
  }
  row.add(std::to_string(block.seed)).add(block.elapsed_ns);
  row.add(json_of(block.a)).add(json_of(block.b)).write();
  for (size_t i = 0; i < block.slices.size(); ++i) {
    const Slice& slice = block.slices[i];
    Insert(*this, "slice", 12)
        .add(study_)
        .add(of(index))
        .add(number)
        .add(of(i))
        .add(std::string(slice.arm == Arm::a ? "a" : "b"))
        .add(slice.start_ns)
        .add(slice.sample.busy_ns)
        .add(static_cast<i64>(slice.sample.ok))
        .add(static_cast<i64>(slice.sample.errors))
        .add(slice.sample.latency.mean)
        .add(slice.sample.latency.p50)
        .add(slice.sample.latency.p99)
        .write();
  }
  if (auto status = run("COMMIT"); !status) note_failure("a block");
}

void Notebook::trial_ended(size_t index, const Trial& trial) {
  Insert row(*this, "verdict", 11);
  row.add(study_).add(of(index)).add(wall_ns()).add(std::string(verdict_name(trial.verdict)));
  row.add(of(trial.gains().size()));
  if (trial.gains().size() < 2) {
    row.add_nothing().add_nothing().add_nothing().add_nothing();
  } else {
    row.add(trial.effect.log_mean).add(trial.effect.log_ci.lower).add(trial.effect.log_ci.upper);
    row.add(trial.effect.confidence);
  }
  row.add(i64{trial.kept}).add(trial.reason).write();
}

void Notebook::floor_known(const Record& record) {
  Insert(*this, "floor", 7)
      .add(study_)
      .add(of(record.floor.blocks))
      .add(record.floor.half_width)
      .add(record.floor.detectable)
      .add(record.margin)
      .add(record.baseline_value)
      .add(record.diagnosis)
      .write();
}

void Notebook::ended(const Record& record) {
  Insert(*this, "ending", 7)
      .add(study_)
      .add(wall_ns())
      .add(record.elapsed_ns)
      .add(json_of(record.recommended))
      .add(i64{record.confirmed})
      .add(i64{record.interrupted})
      .add(nlohmann::json(record.notes).dump())
      .write();
  // The one file then holds everything, without its -wal neighbour.
  (void)run("PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace labcoat
