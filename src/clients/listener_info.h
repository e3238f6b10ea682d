// ListenerInfo: what is known of a listening socket before anybody connects to it.
#pragma once

#include <string>

#include "base/clock.h"

namespace labcoat::clients {

struct ListenerInfo {
  int socket = -1;  // borrowed
  bool admin = false;
  bool https = false;
  bool proxy_protocol = false;
  bool unix_socket = false;
  std::string server_name;  // for the app: SERVER_NAME when the request names no host
  u16 port = 0;
};

}  // namespace labcoat::clients
