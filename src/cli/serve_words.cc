#include "cli/serve_words.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <vector>

#include "base/text.h"

namespace labcoat {
namespace {

constexpr std::string_view flags[] = {"--config",       "--listen", "--workers", "--threads",
                                      "--edge-threads", "--static", "--check",   "--access-log",
                                      "--certificate",  "--python", "--set",     "--reload",
                                      "--explain",      "--method", "--header",  "--help"};

std::string unknown_word(const std::string& word) {
  if (!word.starts_with('-')) {
    return fmt::format("'{}' is one word too many; expected one app, as MODULE:CALLABLE", word);
  }
  const std::string name = word.substr(0, word.find('='));
  const std::string_view nearest = nearest_word(name, flags);
  if (nearest.empty()) return fmt::format("there is no flag {}; see labcoat serve --help", name);
  return fmt::format("there is no flag {}; did you mean {}?", name, nearest);
}

void add_flags(CLI::App& parser, ServeWords& words) {
  config::CommandLine& line = words.line;
  parser.add_option("app", line.target);
  parser.add_option("-c,--config", line.file);
  parser.add_option("-l,--listen", line.listen)->allow_extra_args(false);
  parser.add_option("-w,--workers", line.workers);
  parser.add_option("-t,--threads", line.threads);
  parser.add_option("--edge-threads", line.edge_threads);
  parser.add_option("--static", line.statics)->allow_extra_args(false);
  parser.add_option("--certificate", line.certificates)->allow_extra_args(false);
  parser.add_option("--access-log", line.access_log);
  parser.add_option("--python", line.python);
  parser.add_option("--set", line.sets)->allow_extra_args(false);
  parser.add_flag("--check", words.check);
  parser.add_option("--explain", words.explain.url);
  parser.add_option("-m,--method", words.explain.method);
  parser.add_option("-H,--header", words.explain.headers)->allow_extra_args(false);
  parser.add_flag("--reload", words.reload);
  parser.add_flag("-h,--help", words.help);
  parser.add_flag("--print-options-doc", words.print_options_doc);
}

}  // namespace

Result<ServeWords> parse_serve_words(int argc, char** argv) {
  ServeWords words;
  CLI::App parser;
  parser.set_help_flag();  // ours says more
  parser.allow_extras();
  add_flags(parser, words);
  try {
    parser.parse(argc, argv);
  } catch (const CLI::ArgumentMismatch& error) {
    return fail(fmt::format("a value is missing: {}", error.what()));
  } catch (const CLI::ParseError& error) {
    return fail(error.what());
  }
  const std::vector<std::string> rest = parser.remaining();
  if (!rest.empty()) return fail(unknown_word(rest.front()));
  return words;
}

}  // namespace labcoat
