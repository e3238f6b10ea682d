#include "python/names.h"

namespace labcoat::python {
namespace {

Names made;  // written once, under the import lock

}  // namespace

bool make_names() {
  const struct {
    PyObject** place;
    const char* text;
  } rows[] = {
      {&made.read, "read"},
      {&made.close, "close"},
      {&made.request_method, "REQUEST_METHOD"},
      {&made.script_name, "SCRIPT_NAME"},
      {&made.path_info, "PATH_INFO"},
      {&made.query_string, "QUERY_STRING"},
      {&made.request_uri, "REQUEST_URI"},
      {&made.raw_uri, "RAW_URI"},
      {&made.server_name, "SERVER_NAME"},
      {&made.server_port, "SERVER_PORT"},
      {&made.server_protocol, "SERVER_PROTOCOL"},
      {&made.remote_addr, "REMOTE_ADDR"},
      {&made.remote_port, "REMOTE_PORT"},
      {&made.content_length, "CONTENT_LENGTH"},
      {&made.url_scheme, "wsgi.url_scheme"},
      {&made.input, "wsgi.input"},
      {&made.errors, "wsgi.errors"},
      {&made.queue_wait, "labcoat.queue_wait"},
      {&made.request_id, "labcoat.request_id"},
      {&made.http_1_0, "HTTP/1.0"},
      {&made.http_1_1, "HTTP/1.1"},
      {&made.http_2, "HTTP/2.0"},
      {&made.http, "http"},
      {&made.https, "https"},
      {&made.empty, ""},
      {&made.type, "type"},
      {&made.asgi, "asgi"},
      {&made.http_version, "http_version"},
      {&made.method, "method"},
      {&made.scheme, "scheme"},
      {&made.path, "path"},
      {&made.raw_path, "raw_path"},
      {&made.query, "query_string"},
      {&made.root_path, "root_path"},
      {&made.headers, "headers"},
      {&made.client, "client"},
      {&made.server, "server"},
      {&made.state, "state"},
      {&made.extensions, "extensions"},
      {&made.version_1_0, "1.0"},
      {&made.version_1_1, "1.1"},
      {&made.version_2, "2"},
      {&made.status, "status"},
      {&made.body, "body"},
      {&made.more_body, "more_body"},
      {&made.links, "links"},
      {&made.trailers, "trailers"},
      {&made.more_trailers, "more_trailers"},
      {&made.early_hints, "wsgi.early_hints"},
      {&made.http_request, "http.request"},
      {&made.http_disconnect, "http.disconnect"},
      {&made.throw_in, "throw"},
      {&made.await, "__await__"},
      {&made.done, "done"},
      {&made.set_result, "set_result"},
      {&made.websocket, "websocket"},
      {&made.ws, "ws"},
      {&made.wss, "wss"},
      {&made.subprotocols, "subprotocols"},
      {&made.subprotocol, "subprotocol"},
      {&made.text, "text"},
      {&made.bytes, "bytes"},
      {&made.code, "code"},
      {&made.reason, "reason"},
      {&made.websocket_connect, "websocket.connect"},
      {&made.websocket_receive, "websocket.receive"},
      {&made.websocket_disconnect, "websocket.disconnect"},
  };
  for (const auto& row : rows) {
    *row.place = PyUnicode_InternFromString(row.text);
    if (!*row.place || PyObject_Hash(*row.place) == -1) return false;
  }
  return true;
}

const Names& names() {
  return made;
}

}  // namespace labcoat::python
