// What a route does to an Exchange: its own answers, other paths, other headers, error pages.
#include "edge/edge_thread.h"
#include "edge/exchange.h"
#include "http/status.h"

namespace labcoat::edge {

routes::TemplateFacts Exchange::facts_of(const routes::Route& route, const http::RequestHead& head,
                                         std::string_view path, http::Pattern::Stars& stars) const {
  route.stars_of(path, stars);
  return {.head = &head,
          .host = host(head).empty() ? std::string_view(client_.listener->server_name)
                                     : routes::host_of(host(head)),
          .path = path,
          .https = client().is_https(),
          .remote_address = client().address,
          .request_id = id_,
          .stars = &stars};
}

// True: the edge itself has answered. Otherwise `path` is what the app or the file goes by.
bool Exchange::begin_route(const routes::Route& route, const http::RequestHead& head,
                           std::string_view& path) {
  rule_ = &route;
  asked_path_ = path;
  if (route.kind == routes::Route::Kind::redirect) {
    answer_redirect(route, head, path);
    return true;
  }
  if (route.kind == routes::Route::Kind::fixed) {
    const int status = static_cast<int>(route.config.status);
    if (!route.config.answer.empty() || http::forbids_body(status)) {
      answer(status, route.text, {}, route.config.content_type);
    } else {
      answer_status(status);
    }
    return true;
  }
  if (!route.has_own_path()) return false;
  http::Pattern::Stars stars;
  const routes::TemplateFacts facts = facts_of(route, head, path, stars);
  std::string& text = thread_.route_path();
  text.clear();
  if (!route.write_own_path(facts, text)) {
    refuse(400, "the path leads out of its place");
    return true;
  }
  path = text;
  return false;
}

void Exchange::answer_redirect(const routes::Route& route, const http::RequestHead& head,
                               std::string_view path) {
  http::Pattern::Stars stars;
  const routes::TemplateFacts facts = facts_of(route, head, path, stars);
  std::string location;
  route.redirect.fill(facts, location);
  answer(static_cast<int>(route.config.status), "see " + location + "\n",
         "Location: " + location + "\r\n");
}

void Exchange::answer_unrouted(const routes::RouteQuery& query) {
  const routes::Router::Nobody nobody = rules_->router.nobody(query);
  answer_status(nobody.status, {}, nobody.allow.empty() ? "" : "Allow: " + nobody.allow + "\r\n");
}

// The page that the route has for this answer, or nullptr.
const routes::Route::ErrorPage* Exchange::error_page(int status) const {
  return rule_ == nullptr ? nullptr : rule_->error_page(status);
}

bool Exchange::replaces_answer_of_app(int status) const {
  return error_page(status) != nullptr && rule_->config.error_pages_for_app;
}

void Exchange::change_headers(answer::Response& response) {
  if (rule_ == nullptr || rule_->response_changes.empty()) return;
  routes::TemplateFacts facts;
  facts.request_id = id_;
  rule_->response_changes.apply(facts, response, thread_.route_fields());
}

bool Exchange::app_must_not_see(std::string_view name) const {
  return rule_ != nullptr && rule_->request_changes.removes(name);
}

// False: the slot is full.
bool Exchange::write_route_fields(const http::RequestHead& head,
                                  channel::RequestWriter& writer) const {
  if (rule_ == nullptr || rule_->request_changes.lines().empty()) return true;
  http::Pattern::Stars stars;
  const routes::TemplateFacts facts = facts_of(*rule_, head, asked_path_, stars);
  std::string value;
  for (const routes::HeaderChanges::Line& line : rule_->request_changes.lines()) {
    value.clear();
    line.value.fill(facts, value);
    if (!writer.field(line.name, value)) return false;
  }
  return true;
}

}  // namespace labcoat::edge
