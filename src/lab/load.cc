#include "lab/load.h"

#include <fmt/format.h>

#include "base/text.h"

namespace labcoat {
namespace {

// Shorter than the generator's own default: a study with a budget cannot wait ten seconds for a
// lost answer.
constexpr i64 answer_timeout_ns = 5 * seconds;

}  // namespace

std::string Load::describe() const {
  std::vector<std::string> kinds;
  for (const LoadUrl& url : urls) {
    const std::string times = urls.size() == 1 ? "" : fmt::format("{:g}x ", url.weight);
    kinds.push_back(fmt::format("{}{} {}", times, url.method, url.path));
  }
  const std::string speed =
      rate > 0 ? fmt::format("{:g} requests a second at random moments", rate) : "full speed";
  return fmt::format("{} connection{} at {}: {}", connections, connections == 1 ? "" : "s", speed,
                     fmt::join(kinds, ", "));
}

Result<LoadUrl> parse_load_url(std::string_view text) {
  LoadUrl url;
  const std::string_view trimmed = trim(text);
  const size_t space = trimmed.find(' ');
  if (space != std::string_view::npos) {
    auto weight = parse_real(trimmed.substr(0, space));
    if (!weight || *weight <= 0) {
      return fail(fmt::format(
          "'{}' must be WEIGHT PATH, such as '5 /search', with a weight above 0", text));
    }
    url.weight = *weight;
  }
  url.path = trim(trimmed.substr(space == std::string_view::npos ? 0 : space));
  if (!url.path.starts_with('/')) {
    return fail(fmt::format("the path in '{}' must begin with '/'", text));
  }
  return url;
}

Result<LoadClient> LoadClient::open(const Load& load, int port, u64 seed) {
  bench::LoadOptions options;
  options.connections = load.connections;
  options.rate = load.rate;
  options.timeout_ns = answer_timeout_ns;
  options.seed = seed;
  for (const LoadUrl& url : load.urls) {
    bench::Target target;
    target.url.scheme = "http";
    target.url.host = "127.0.0.1";
    target.url.port = port;
    target.url.target = url.path;
    target.weight = url.weight;
    target.method = url.method;
    target.body = url.body;
    target.headers = url.headers;
    options.targets.push_back(std::move(target));
  }
  auto generator = bench::Generator::open(std::move(options));
  if (!generator) return tl::unexpected(generator.error());
  return LoadClient(std::move(*generator));
}

ArmSample LoadClient::run(i64 duration_ns, u64 requests_max, Histogram& latency) {
  const bench::SliceResult result =
      generator_->run({.duration_ns = duration_ns, .requests_max = requests_max});
  ArmSample sample;
  sample.ok = result.status[2] + result.status[3];
  sample.errors = result.requests - sample.ok;
  sample.busy_ns = result.busy_ns;
  sample.latency = LatencySummary::of(result.response);
  sample.generator_share = result.cpu_share_max();
  latency.merge(result.response);
  return sample;
}

}  // namespace labcoat
