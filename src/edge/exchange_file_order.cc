// An app that answers with the name of a file (docs/files.md): its head and body are read to their
// end, and then the file is sent in its place, for the request that the client made.
#include <spdlog/spdlog.h>

#include "edge/edge_thread.h"
#include "edge/exchange.h"
#include "files/file_order.h"
#include "http/url.h"

namespace labcoat::edge {
namespace {

// The path of an X-Accel-Redirect in the form that routes are matched with; empty: it is none.
std::string_view path_of(std::string_view value, std::vector<char>& buffer) {
  value = value.substr(0, value.find('?'));
  if (!value.starts_with('/') || value.size() > buffer.size()) return {};
  const ptrdiff_t length = http::normalize_path(value, buffer.data());
  return length < 0 ? std::string_view()
                    : std::string_view(buffer.data(), static_cast<size_t>(length));
}

// The root that a named path is below of, and the path from there on.
const routes::Route* root_of(const routes::Route& route, std::string_view path,
                             std::string_view& below) {
  for (const auto& root : route.sendfile) {
    below = path;
    if (!below.starts_with(root->files_path)) continue;
    below.remove_prefix(root->files_path.size());
    if (below.starts_with('/')) return root.get();
  }
  return nullptr;
}

}  // namespace

bool Exchange::may_order_files() const {
  return !rule_->sendfile.empty() || rules_->router.has_internal();
}

// True: the app's own answer is not for the client.
bool Exchange::take_file_order(const answer::Response& response) {
  if (!kept_) return false;
  std::string_view value;
  const auto kind = files::FileOrder::find(
      response, {.redirect = rules_->router.has_internal(), .path = !rule_->sendfile.empty()},
      value);
  if (kind == files::FileOrder::Kind::none) return false;
  order_ = std::make_unique<files::FileOrder>(kind, value, response);
  return true;
}

// The app's answer is complete.
void Exchange::fill_file_order() {
  const std::unique_ptr<files::FileOrder> order = std::move(order_);
  const std::unique_ptr<files::KeptRequest> kept = std::move(kept_);
  let_go_of_slot();
  http::RequestHead request;
  kept->fill(request);
  if (order->is_coded()) {
    for (size_t i = 0; i < request.field_count; ++i) {
      if (http::same_name(request.fields[i].name, "accept-encoding")) request.fields[i].value = {};
    }
  }
  std::string_view path;
  const routes::Route* route = nullptr;
  if (order->kind() == files::FileOrder::Kind::path) {
    route = root_of(*rule_, order->value(), path);
  } else {
    route = internal_route(request, order->value(), path);
  }
  if (route == nullptr) {
    refuse_file_order(*order, 500, "no route or root lets it");
    return;
  }
  files::StaticAnswer file = thread_.files().answer(*route, path, request, thread_.now());
  if (file.status == 412 || file.status == 416) {
    answer_status(file.status, {}, file.lines);
    return;
  }
  if (!file.has_body && file.status != 304) {
    // A directory is none, either.
    refuse_file_order(*order, file.status == 301 ? 404 : file.status, "it cannot be sent");
    return;
  }
  std::string lines;
  answer::Response& response = thread_.response();
  response.clear();
  response.status = file.status;
  if (file.has_body) response.body_bytes = file.bytes;
  order->describe(response, file.lines, lines);
  thread_.count().file_orders.add();
  send_static(response, file);
}

// The internal route that the app means, and the path of the file as that route has it.
const routes::Route* Exchange::internal_route(const http::RequestHead& request,
                                              std::string_view value, std::string_view& path) {
  path = path_of(value, thread_.path_buffer());
  if (path.empty()) return nullptr;
  const routes::Route* route = rules_->router.match_internal({request, path, client().is_https()});
  if (route == nullptr || !route->has_own_path()) return route;
  http::Pattern::Stars stars;
  const routes::TemplateFacts facts = facts_of(*route, request, path, stars);
  std::string& text = thread_.route_path();
  text.clear();
  if (!route->write_own_path(facts, text)) return nullptr;
  path = text;
  return route;
}

void Exchange::refuse_file_order(const files::FileOrder& order, int status, std::string_view why) {
  thread_.count().file_orders_refused.add();
  if (thread_.may_complain()) {
    spdlog::warn("{:016x} the app '{}' answers with the file {}, but {}: {}", id_,
                 rule_->config.app, order.value(), why, status);
  }
  answer_status(status);
}

}  // namespace labcoat::edge
