// The two pages that are made from the option rows: --help and docs/options.md.
#include <fmt/format.h>

#include "base/option.h"
#include "cli/serve_words.h"
#include "config/options.h"

namespace labcoat {
namespace {

constexpr const char* usage =
    R"(usage: labcoat serve [MODULE:CALLABLE] [OPTIONS]

Runs a Python web application (WSGI), and serves files. Without an app and without -c, the configuration is labcoat.toml, or
[tool.labcoat] of pyproject.toml, in the current directory.

  MODULE:CALLABLE            the app, as in shop.wsgi:app; a factory as in shop:create_app()
  -c, --config FILE          configuration file
  -l, --listen URL           http://HOST:PORT, https://HOST:PORT or unix:PATH; may be repeated (default http://127.0.0.1:8000)
      --certificate FILE[,KEY]  for https: PEM files; may be repeated, the client's host chooses
  -w, --workers N|auto       worker processes of each app (default auto: one per CPU)
  -t, --threads N            threads of each worker (default 1)
      --edge-threads N|auto  threads of the front server (default auto: one for every four CPUs)
      --static PREFIX=DIR    serve the files of DIR below the path PREFIX; may be repeated
      --access-log TO        off, - (standard output), FILE, or syslog+udp://HOST:PORT (default off)
      --python PATH          the interpreter (default: that of VIRTUAL_ENV, else python3)
      --set KNOB=VALUE       any option below; app.NAME.KNOB=VALUE for one app; may be repeated
      --reload               for development: load an app again when one of its Python files changes
      --check                check configuration, interpreter and apps, then exit
      --explain URL          which route would answer, and why not those before it; starts nothing
  -m, --method METHOD        of --explain (default GET)
  -H, --header 'NAME: VALUE' of --explain; may be repeated
  -h, --help                 this page

Prints 'ready URL' for each listener once everything works. TERM answers what was accepted and stops; INT stops at once;
HUP loads the apps again; USR1 opens the logs again; TTIN and TTOU add and take a worker.
Exit: 0 clean stop, 1 failed while running, 2 usage or configuration.

Options, for --set and for the configuration file:
)";

constexpr const char* doc_head =
    R"(# Options of `labcoat serve`

This page is made by `labcoat serve --print-options-doc`; do not edit it. Every option stands in its table of `labcoat.toml`
(`[server]`, `[tls]`, `[limits]`, and `[app.NAME]` for each app) or of `[tool.labcoat]` in `pyproject.toml`, and can be set with
`--set KNOB=VALUE` (`--set app.NAME.KNOB=VALUE` for one app of several). The command line wins over the file.

Those with levels are knobs of the laboratory: `labcoat tune` tries the levels and tells you whether they pay.

Besides these there are `[[tls.certificate]]` (docs/tls.md), `[admin]` with `listen` (one URL: `/health`, `/ready`, `/status`, `/metrics`), and `[[route]]` and
`[[site]]`, which say what answers which request (docs/routes.md).
)";

std::string shown_default(const Option& option) {
  return option.default_value[0] == '\0' ? "" : fmt::format(" (default {})", option.default_value);
}

std::string doc_of(const Option& option) {
  std::string text = fmt::format("\n### `{}`\n\n{}\n\n", option.name, option.help);
  text += fmt::format("- Value: {}", describe_values(option));
  if (option.default_value[0] != '\0') text += fmt::format("; default `{}`", option.default_value);
  text += "\n";
  if (option.levels[0] == '\0') return text;
  text += fmt::format("- Levels: `{}`\n- Why it may pay: {}\n", option.levels, option.why);
  const std::string_view risk = option.risk;
  if (risk != "none") text += fmt::format("- Risk: {}\n", risk);
  return text;
}

}  // namespace

std::string serve_help() {
  std::string text = usage;
  for (const Option& option : config::options()) {
    text += fmt::format("  {}\n      {} {}{}\n", option.name, option.help,
                        "Value: " + describe_values(option), shown_default(option));
  }
  return text;
}

std::string options_doc() {
  std::string text = doc_head;
  std::string_view section;
  for (const Option& option : config::options()) {
    if (section != option.section) {
      section = option.section;
      text += fmt::format("\n## `[{}]`\n", section == "app" ? "app.NAME" : section);
    }
    text += doc_of(option);
  }
  return text;
}

}  // namespace labcoat
