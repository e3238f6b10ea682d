#include "lab/question.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "base/text.h"

namespace labcoat {
namespace {

constexpr double memory_share_max = 0.8;
// With this share of the CPUs in use, somebody waits for a CPU.
constexpr double busy_share = 0.85;
constexpr double failing_share = 0.01;
constexpr double other_cpus_mentioned = 0.1;

const Knob* find_knob(const std::vector<Knob>& knobs, std::string_view name) {
  for (const Knob& knob : knobs) {
    if (knob.name == name) return &knob;
  }
  return nullptr;
}

std::string value_in(const KnobValues& values, const Knob& knob) {
  const auto found = values.find(knob.name);
  return found == values.end() ? knob.default_value : found->second;
}

void add_need(Question& question, const std::vector<Need>& needs, const std::vector<Knob>& knobs,
              const KnobValues& baseline) {
  for (const Need& need : needs) {
    if (question.changes.count(need.knob) == 0) continue;
    const auto current = baseline.find(need.needed_knob);
    const Knob* needed = find_knob(knobs, need.needed_knob);
    if (needed == nullptr || current == baseline.end()) continue;
    if (current->second != needed->default_value) continue;
    question.changes[need.needed_knob] = need.needed_value;
  }
}

std::vector<Question> questions_of_group(const std::vector<const Knob*>& group,
                                         const KnobValues& baseline) {
  std::vector<Question> out;
  for (const Knob* knob : group) {
    const auto levels = levels_to_try(*knob, value_in(baseline, *knob));
    for (size_t i = 0; i < levels.size(); ++i) {
      // Within a group the n-th levels of all its knobs are one question.
      if (i >= out.size()) out.push_back({"", knob->why, knob->expect, {}});
      out[i].changes[knob->name] = levels[i];
    }
  }
  return out;
}

}  // namespace

Diagnosis diagnose(double server_cpus, double generator_cpus, double other_cpus, int cpus,
                   double error_share) {
  if (error_share > failing_share) {
    return {Bottleneck::failing,
            fmt::format("{:.1f} % of the requests fail on the baseline, so limits come first",
                        error_share * 100)};
  }
  const std::string others =
      other_cpus < other_cpus_mentioned ? "" : fmt::format(", other programs {:.2f}", other_cpus);
  const std::string use =
      fmt::format("the server uses {:.2f}, the load generator {:.2f}{} of {} CPU{}", server_cpus,
                  generator_cpus, others, cpus, cpus == 1 ? "" : "s");
  if (server_cpus + generator_cpus + other_cpus >= busy_share * cpus) {
    return {Bottleneck::cpu, use + ": it waits for CPU, so what saves CPU comes first"};
  }
  return {Bottleneck::waiting,
          use + ": CPU is left over, so what lets more requests run at once comes first"};
}

std::vector<Question> plan_questions(const std::vector<Knob>& asked, const std::vector<Knob>& all,
                                     const std::vector<Need>& needs, const KnobValues& baseline) {
  std::vector<Question> out;
  std::vector<std::string> groups_done;
  for (const Knob& knob : asked) {
    std::vector<const Knob*> group = {&knob};
    if (!knob.group.empty()) {
      if (std::count(groups_done.begin(), groups_done.end(), knob.group) != 0) continue;
      groups_done.push_back(knob.group);
      group.clear();
      for (const Knob& other : asked) {
        if (other.group == knob.group) group.push_back(&other);
      }
    }
    for (Question& question : questions_of_group(group, baseline)) {
      add_need(question, needs, all, baseline);
      // In the order of the values, which is that of the names.
      for (const auto& [name, value] : question.changes) {
        question.knob += (question.knob.empty() ? "" : "+") + name;
      }
      out.push_back(std::move(question));
    }
  }
  return out;
}

void order_questions(std::vector<Question>& questions, const std::vector<std::string>& first) {
  const auto rank = [&](const Question& question) {
    for (size_t i = 0; i < first.size(); ++i) {
      if (question.changes.count(first[i]) != 0) return i;
    }
    return first.size();
  };
  std::stable_sort(questions.begin(), questions.end(),
                   [&](const Question& a, const Question& b) { return rank(a) < rank(b); });
}

double number_of_level(const std::string& level, int cpus) {
  if (level == "auto") return cpus;
  if (level.starts_with("auto*")) return cpus * parse_real(level.substr(5)).value_or(0);
  if (level.starts_with("auto/")) {
    const double divisor = parse_real(level.substr(5)).value_or(0);
    return divisor > 0 ? std::max(1.0, cpus / divisor) : 0;
  }
  if (auto number = parse_real(level)) return *number;
  return 0;
}

std::string unsafe_by_size(const Question& question, const std::vector<Knob>& knobs,
                           const KnobValues& baseline, const LevelLimit& limit) {
  for (const auto& [name, level] : question.changes) {
    const Knob* knob = find_knob(knobs, name);
    if (knob == nullptr) continue;
    const double wanted = number_of_level(level, limit.cpus);
    if (knob->name.find("connections") != std::string::npos && limit.descriptors > 0 &&
        wanted > static_cast<double>(limit.descriptors)) {
      return fmt::format("{} = {} needs more descriptors than the {} a process may open here", name,
                         level, limit.descriptors);
    }
    if (knob->risk != KnobRisk::memory || knob->type != KnobType::integer) continue;
    const double current = number_of_level(value_in(baseline, *knob), limit.cpus);
    if (wanted <= current || current <= 0 || limit.memory_bytes == 0) continue;
    const double bytes = static_cast<double>(limit.baseline_bytes) * wanted / current;
    // Both arms run at once, so the baseline's memory is taken already.
    if (bytes > memory_share_max * static_cast<double>(limit.memory_bytes)) {
      return fmt::format("{} = {} would take about {} of the {} of memory that are free", name,
                         level, format_size(static_cast<i64>(bytes)),
                         format_size(limit.memory_bytes));
    }
  }
  return "";
}

Result<std::vector<Knob>> choose_knobs(const std::vector<Knob>& knobs,
                                       const std::vector<std::string>& named) {
  std::vector<Knob> out;
  if (named.empty()) {
    std::copy_if(knobs.begin(), knobs.end(), std::back_inserter(out),
                 [](const Knob& knob) { return !needs_naming(knob); });
    return out;
  }
  std::vector<std::string_view> names;
  for (const Knob& knob : knobs) names.emplace_back(knob.name);
  for (const std::string& name : named) {
    const Knob* knob = find_knob(knobs, name);
    if (knob == nullptr) {
      const std::string_view nearest = nearest_word(name, names);
      return fail(fmt::format("there is no knob '{}'{}; known are {}", name,
                              nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest),
                              fmt::join(names, ", ")));
    }
    out.push_back(*knob);
  }
  return out;
}

}  // namespace labcoat
