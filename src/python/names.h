// The str objects that every request needs, made once when the module is loaded and never freed:
// interned, with their hash computed, so a dictionary finds them by comparing pointers.
#pragma once

#include <Python.h>

namespace labcoat::python {

struct Names {
  PyObject *read, *close;
  PyObject *request_method, *script_name, *path_info, *query_string, *request_uri, *raw_uri;
  PyObject *server_name, *server_port, *server_protocol, *remote_addr, *remote_port;
  PyObject *content_length, *url_scheme, *input, *errors, *queue_wait, *request_id;
  PyObject *http_1_0, *http_1_1, *http_2, *http, *https, *empty;
  // ASGI
  PyObject *type, *asgi, *http_version, *method, *scheme, *path, *raw_path, *query, *root_path;
  PyObject *headers, *client, *server, *state, *extensions, *version_1_0, *version_1_1, *version_2;
  PyObject *links, *trailers, *more_trailers, *early_hints;
  PyObject *status, *body, *more_body, *http_request, *http_disconnect;
  PyObject *throw_in, *await, *done, *set_result;
  PyObject *websocket, *ws, *wss, *subprotocols, *subprotocol, *text, *bytes, *code, *reason;
  PyObject *websocket_connect, *websocket_receive, *websocket_disconnect;
};

// False with an exception when memory is short.
bool make_names();
const Names& names();

}  // namespace labcoat::python
