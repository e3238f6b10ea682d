// What one edge thread has counted since it started; of each the thread is the only writer.
#pragma once

#include "base/counter.h"

namespace labcoat::edge {

// The one list of all counters: name and the sentence that /metrics and /status show.
#define LABCOAT_EDGE_COUNTERS(X)                                                                   \
  X(connections, "connections accepted")                                                           \
  X(connections_open, "connections open now")                                                      \
  X(requests, "requests whose head was read")                                                      \
  X(status_2xx, "responses with status 200 to 299")                                                \
  X(status_3xx, "responses with status 300 to 399")                                                \
  X(status_4xx, "responses with status 400 to 499")                                                \
  X(status_5xx, "responses with status 500 to 599")                                                \
  X(tls_handshakes, "TLS handshakes done")                                                         \
  X(tls_resumed, "of those, sessions resumed")                                                     \
  X(tls_kernel, "of the TLS handshakes, those after which the kernel encrypts")                    \
  X(tls_failed, "TLS handshakes that failed")                                                      \
  X(timeout_tls, "connections ended by limits.header_timeout in their TLS handshake")              \
  X(bytes_in, "bytes received from clients")                                                       \
  X(bytes_out, "bytes sent to clients")                                                            \
  X(bad_requests, "requests refused because RFC 9110 or 9112 forbids them")                        \
  X(underscore_fields, "request fields dropped because their name has an underscore")              \
  X(limit_connections, "times that accepting paused because of limits.connections")                \
  X(limit_descriptors, "times that accepting paused for want of file descriptors")                 \
  X(limit_request_head, "requests answered 414 or 431")                                            \
  X(limit_request_body, "requests answered 413")                                                   \
  X(limit_queue, "requests answered 503 because limits.queue was reached")                         \
  X(websockets, "WebSockets accepted")                                                             \
  X(websockets_open, "WebSockets open now")                                                        \
  X(websocket_messages_in, "messages received over WebSockets")                                    \
  X(websocket_messages_out, "messages sent over WebSockets")                                       \
  X(websocket_closed_normal, "WebSockets closed with code 1000, or with none")                     \
  X(websocket_closed_going_away, "WebSockets closed with code 1001")                               \
  X(websocket_closed_protocol_error, "WebSockets closed with code 1002")                           \
  X(websocket_closed_abnormal, "WebSockets that ended without a close frame (1006)")               \
  X(websocket_closed_not_utf8, "WebSockets closed with code 1007")                                 \
  X(websocket_closed_too_large, "WebSockets closed with code 1009")                                \
  X(websocket_closed_internal_error, "WebSockets closed with code 1011")                           \
  X(websocket_closed_restart, "WebSockets closed with code 1012")                                  \
  X(websocket_closed_other, "WebSockets closed with another code")                                 \
  X(limit_websockets, "requests answered 503 because limits.websockets was reached")               \
  X(timeout_websocket_ping, "WebSockets ended because a ping was not answered")                    \
  X(timeout_websocket_close, "WebSockets ended because a close was not answered")                  \
  X(limit_queue_wait, "requests answered 503 because they waited for limits.queue_wait")           \
  X(limit_shed_wait,                                                                               \
    "requests answered 503 because they waited for limits.shed_wait while the queue stood")        \
  X(limit_queue_bytes, "requests answered 503 because limits.queue_bytes was reached")             \
  X(limit_route_waiting, "requests answered 503 because max_waiting of their route was reached")   \
  X(timeout_request, "requests answered 504 or broken off because of request_timeout")             \
  X(limit_response_buffer, "times that a worker had to wait for a slow client")                    \
  X(http2_connections, "connections that spoke HTTP/2")                                            \
  X(http2_errors, "HTTP/2 frames or streams refused as errors of the protocol")                    \
  X(limit_http2_streams, "HTTP/2 streams refused because of limits.http2_streams")                 \
  X(limit_http2_resets, "connections ended by limits.http2_resets")                                \
  X(limit_http2_control_frames, "connections ended by limits.http2_control_frames")                \
  X(limit_http2_head, "HTTP/2 connections ended because a request head had no end")                \
  X(limit_connections_per_address, "connections closed because of limits.connections_per_address") \
  X(limit_rate, "requests answered 429 because of limits.rate_limit")                              \
  X(limit_rate_buckets, "clients forgotten early because of limits.rate_buckets")                  \
  X(limit_body_rate, "requests answered 408 because of limits.body_rate_min")                      \
  X(limit_write_rate, "connections ended because of limits.write_rate_min")                        \
  X(proxy_refused, "connections cut for want of a PROXY header from a trusted proxy")              \
  X(timeout_head, "connections ended by limits.header_timeout")                                    \
  X(timeout_body, "connections ended by limits.body_timeout")                                      \
  X(timeout_idle, "idle connections closed")                                                       \
  X(timeout_write, "connections ended by limits.write_timeout")                                    \
  X(clients_gone, "requests whose client had gone before the answer was complete")                 \
  X(withdrawn, "of those, requests that no worker had begun")                                      \
  X(repeated, "requests given to another worker because theirs had died")                          \
  X(worker_lost, "requests answered 502 or broken off because their worker had died")              \
  X(responses_broken, "responses broken off because the app failed after its head")                \
  X(corrupt_frames, "responses that a worker wrote against the rules of the channel")              \
  X(compressed, "answers of apps that the edge has compressed")                                    \
  X(compressing, "of those, now on their way")                                                     \
  X(compressed_bytes_in, "bytes of these as the apps gave them")                                   \
  X(compressed_bytes_out, "bytes that they were compressed to")                                    \
  X(limit_compressions, "answers sent as they were because of limits.compressions")                \
  X(file_orders, "files sent because an app named them (X-Accel-Redirect, X-Sendfile)")            \
  X(file_orders_refused, "of the files that apps named, those that could not be sent")             \
  X(early_hints, "answers of status 103 sent before another one")                                  \
  X(body_files, "request bodies that went to a file")                                              \
  X(file_cache_hits, "files answered from the file cache")                                         \
  X(file_cache_misses, "files looked up on disk")                                                  \
  X(file_cache_evictions, "files that left the file cache for want of room")

struct Counters {
#define LABCOAT_DECLARE(name, help) Counter name;
  LABCOAT_EDGE_COUNTERS(LABCOAT_DECLARE)
#undef LABCOAT_DECLARE
};

}  // namespace labcoat::edge
