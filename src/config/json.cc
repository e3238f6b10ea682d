#include "config/json.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "config/route_keys.h"

namespace labcoat::config {
namespace {

using nlohmann::json;

// One visit per struct names each field once, for both directions: `field` is a Writer or a Reader.
struct Writer {
  json& out;
  template <class T>
  void operator()(const char* name, const T& value) const {
    out[name] = value;
  }
};

// A field that is absent is an error: both ends are the same build.
struct Reader {
  const json& in;
  template <class T>
  void operator()(const char* name, T& value) const {
    in.at(name).get_to(value);
  }
};

template <class Field, class T>
void visit_limits(const Field& field, T& limits) {
  field("request_target_bytes", limits.request_target_bytes);
  field("request_header_bytes", limits.request_header_bytes);
  field("request_fields", limits.request_fields);
  field("request_body_bytes", limits.request_body_bytes);
  field("body_memory_bytes", limits.body_memory_bytes);
  field("connections", limits.connections);
  field("queue", limits.queue);
  field("websockets", limits.websockets);
  field("websocket_message_bytes", limits.websocket_message_bytes);
  field("websocket_ping_ns", limits.websocket_ping_ns);
  field("websocket_pong_timeout_ns", limits.websocket_pong_timeout_ns);
  field("websocket_close_timeout_ns", limits.websocket_close_timeout_ns);
  field("websocket_retire_timeout_ns", limits.websocket_retire_timeout_ns);
  field("queue_wait_ns", limits.queue_wait_ns);
  field("queue_bytes", limits.queue_bytes);
  field("shed_wait_ns", limits.shed_wait_ns);
  field("shed_interval_ns", limits.shed_interval_ns);
  field("header_timeout_ns", limits.header_timeout_ns);
  field("body_timeout_ns", limits.body_timeout_ns);
  field("idle_timeout_ns", limits.idle_timeout_ns);
  field("write_timeout_ns", limits.write_timeout_ns);
  field("drain_timeout_ns", limits.drain_timeout_ns);
  field("connections_per_address", limits.connections_per_address);
  field("body_rate_min", limits.body_rate_min);
  field("write_rate_min", limits.write_rate_min);
  field("rate_interval_ns", limits.rate_interval_ns);
  field("rate_burst", limits.rate_burst);
  field("rate_per_second", limits.rate_per_second);
  field("rate_key", limits.rate_key);
  field("rate_buckets", limits.rate_buckets);
  field("response_buffer_bytes", limits.response_buffer_bytes);
  field("compressions", limits.compressions);
  field("http2_streams", limits.http2_streams);
  field("http2_resets", limits.http2_resets);
  field("http2_control_frames", limits.http2_control_frames);
}

template <class Field, class T>
void visit_app(const Field& field, T& app) {
  field("name", app.name);
  field("target", app.target);
  field("directory", app.directory);
  field("python", app.python);
  field("python_source", app.python_source);
  field("environment", app.environment);
  field("user", app.user);
  field("group", app.group);
  field("pre_fork", app.pre_fork);
  field("post_fork", app.post_fork);
  field("warm_up", app.warm_up);
  field("workers", app.workers);
  field("workers_min", app.workers_min);
  field("workers_max", app.workers_max);
  field("scale_down_ns", app.scale_down_ns);
  field("threads", app.threads);
  field("interface", app.interface);
  field("loop", app.loop);
  field("in_flight", app.in_flight);
  field("max_requests", app.max_requests);
  field("worker_age_max_ns", app.worker_age_max_ns);
  field("worker_memory_max_bytes", app.worker_memory_max_bytes);
  field("request_timeout_ns", app.request_timeout_ns);
  field("gc", app.gc);
  field("immortal_objects", app.immortal_objects);
  field("allocator", app.allocator);
  field("cpu_affinity", app.cpu_affinity);
  field("switch_interval_ns", app.switch_interval_ns);
  field("nice", app.nice);
  field("spin_ns", app.spin_ns);
}

template <class Field, class T>
void visit_route(const Field& field, T& route) {
  field("where", route.where);
  for (const RouteKey& key : route_keys()) {
    std::visit([&](auto member) { field(key.name, route.*member); }, key.field);
  }
}

template <class Field, class T>
void visit_certificate(const Field& field, T& certificate) {
  field("file", certificate.file);
  field("key", certificate.key);
  field("hosts", certificate.hosts);
}

template <class Field, class T>
void visit_tls(const Field& field, T& tls) {
  field("certificates", tls.certificates);
  field("version_min", tls.version_min);
  field("client_certificates", tls.client_certificates);
  field("client_ca", tls.client_ca);
  field("kernel", tls.kernel);
  field("hsts_ns", tls.hsts_ns);
  field("hsts_subdomains", tls.hsts_subdomains);
  field("redirect_port", tls.redirect_port);
}

template <class Field, class T>
void visit_listen(const Field& field, T& listen) {
  field("kind", listen.kind);
  field("host", listen.host);
  field("port", listen.port);
  field("path", listen.path);
  field("url", listen.url);
}

template <class Field, class T>
void visit_config(const Field& field, T& config) {
  field("listen", config.listen);
  field("admin", config.admin);
  field("edge_threads", config.edge_threads);
  field("backlog", config.backlog);
  field("file_cache_entries", config.file_cache_entries);
  field("file_cache_bytes", config.file_cache_bytes);
  field("file_cache_valid_ns", config.file_cache_valid_ns);
  field("access_log", config.access_log);
  field("unknown_host", config.unknown_host);
  field("access_log_sync", config.access_log_sync);
  field("access_log_format", config.access_log_format);
  field("access_log_only", config.access_log_only);
  field("access_log_sample", config.access_log_sample);
  field("slow_log", config.slow_log);
  field("slow_log_threshold_ns", config.slow_log_threshold_ns);
  field("trusted_proxies", config.trusted_proxies);
  field("proxy_fields", config.proxy_fields);
  field("proxy_protocol", config.proxy_protocol);
  field("websocket_compression", config.websocket_compression);
  field("recycle_cgroup_share", config.recycle_cgroup_share);
  field("control", config.control);
  field("limits", config.limits);
  field("tls", config.tls);
  field("apps", config.apps);
  field("routes", config.routes);
  field("sources", config.sources);
  field("values", config.values);
}

}  // namespace

NLOHMANN_JSON_SERIALIZE_ENUM(Listen::Kind, {{Listen::Kind::http, "http"},
                                            {Listen::Kind::https, "https"},
                                            {Listen::Kind::unix_socket, "unix"}})

// nlohmann finds these by argument-dependent lookup.
static void to_json(json& out, const Limits& limits) {
  visit_limits(Writer{out}, limits);
}
static void from_json(const json& in, Limits& limits) {
  visit_limits(Reader{in}, limits);
}
static void to_json(json& out, const App& app) {
  visit_app(Writer{out}, app);
}
static void from_json(const json& in, App& app) {
  visit_app(Reader{in}, app);
}
static void to_json(json& out, const Route& route) {
  visit_route(Writer{out}, route);
}
static void from_json(const json& in, Route& route) {
  visit_route(Reader{in}, route);
}
static void to_json(json& out, const Tls::Certificate& certificate) {
  visit_certificate(Writer{out}, certificate);
}
static void from_json(const json& in, Tls::Certificate& certificate) {
  visit_certificate(Reader{in}, certificate);
}
static void to_json(json& out, const Tls& tls) {
  visit_tls(Writer{out}, tls);
}
static void from_json(const json& in, Tls& tls) {
  visit_tls(Reader{in}, tls);
}
static void to_json(json& out, const Listen& listen) {
  visit_listen(Writer{out}, listen);
}
static void from_json(const json& in, Listen& listen) {
  visit_listen(Reader{in}, listen);
}

std::string to_json(const Config& config) {
  json out;
  visit_config(Writer{out}, config);
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<Config> from_json(std::string_view text) {
  try {
    const json in = json::parse(text);
    Config config;
    visit_config(Reader{in}, config);
    return config;
  } catch (const json::exception& error) {
    return fail(std::string("the configuration in JSON is not as it should be: ") + error.what());
  }
}

}  // namespace labcoat::config
