// websocket_load echo|broadcast HOST PORT CLIENTS SECONDS: the generator of websocket.py; prints
// JSON.
//
// One frame is made once and answers are counted by their bytes, so that a client costs its system
// calls and no more: the server has to be the limit. The first answers are looked at, and every
// client sends its next message when all answers to its last one have come.
#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view text =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
constexpr std::array<char, 4> mask = {'\x37', '\x7e', '\x51', '\x2c'};
// RFC 6455 section 5.2: a final text frame, its length, and from a client the mask.
constexpr char final_text = '\x81';
constexpr char masked = '\x80';

[[noreturn]] void stop(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

std::string frame_of_client() {
  std::string frame = {final_text, static_cast<char>(masked | static_cast<char>(text.size()))};
  frame.append(mask.data(), mask.size());
  for (size_t i = 0; i < text.size(); ++i) {
    frame.push_back(static_cast<char>(text[i] ^ mask[i % mask.size()]));
  }
  return frame;
}

std::string frame_of_server() {
  return std::string{final_text, static_cast<char>(text.size())}.append(text);
}

struct Client {
  int socket = -1;
  size_t bytes = 0;  // of answers
  size_t due = 0;    // so many, and it sends again
};

void send_all(int socket, std::string_view bytes) {
  if (send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(bytes.size())) {
    stop("a message could not be sent in one piece");
  }
}

int connect_to(const char* host, int port) {
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) stop("HOST must be an address");
  if (connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) stop("connect");
  return client;
}

Client open_socket(const char* host, int port, const std::string& path) {
  Client client{.socket = connect_to(host, port)};
  send_all(client.socket, "GET /" + path + " HTTP/1.1\r\nHost: " + host +
                              "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                              "Sec-WebSocket-Version: 13\r\n\r\n");
  std::string head;
  for (char c = 0; head.find("\r\n\r\n") == head.npos && recv(client.socket, &c, 1, 0) == 1;) {
    head.push_back(c);
  }
  if (!head.starts_with("HTTP/1.1 101 ")) stop("it does not speak WebSocket: " + head);
  return client;
}

// Reads the first answers: whole text frames with what was sent.
void check(const Client& client, size_t count) {
  const std::string one = frame_of_server();
  std::string got;
  std::array<char, 65536> buffer;
  while (got.size() < count * one.size()) {
    const ssize_t bytes = recv(client.socket, buffer.data(), buffer.size(), 0);
    if (bytes <= 0) stop("the server closed the connection");
    got.append(buffer.data(), static_cast<size_t>(bytes));
  }
  for (size_t i = 0; i < count; ++i) {
    if (got.compare(i * one.size(), one.size(), one) != 0) stop("not the message that was sent");
  }
  if (got.size() != count * one.size()) stop("more answers than messages");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) stop("usage: websocket_load echo|broadcast HOST PORT CLIENTS SECONDS");
  const std::string path = argv[1];
  const auto count = static_cast<size_t>(std::atoi(argv[4]));
  const std::string frame = frame_of_client();
  const size_t answers = path == "broadcast" ? count : 1;
  const size_t answer_bytes = frame_of_server().size();
  std::vector<Client> clients;
  for (size_t i = 0; i < count; ++i) {
    clients.push_back(open_socket(argv[2], std::atoi(argv[3]), path));
  }
  for (const Client& client : clients) send_all(client.socket, frame);
  for (const Client& client : clients) check(client, answers);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  for (Client& client : clients) {
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &client}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, client.socket, &event);
  }
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::duration<double>(std::atof(argv[5]));
  for (Client& client : clients) {
    send_all(client.socket, frame);
    client.due = answers * answer_bytes;
  }
  std::vector<char> buffer(262144);
  std::array<epoll_event, 64> events;
  while (Clock::now() < end) {
    const int ready = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 1000);
    for (int i = 0; i < ready; ++i) {
      Client& client = *static_cast<Client*>(events[static_cast<size_t>(i)].data.ptr);
      const ssize_t bytes = recv(client.socket, buffer.data(), buffer.size(), 0);
      if (bytes <= 0) stop("the server closed the connection");
      client.bytes += static_cast<size_t>(bytes);
      for (; client.bytes >= client.due; client.due += answers * answer_bytes) {
        send_all(client.socket, frame);
      }
    }
  }
  const double took = std::chrono::duration<double>(Clock::now() - begin).count();
  size_t messages = 0;
  for (const Client& client : clients) messages += client.bytes / answer_bytes;
  std::printf("{\"messages\": %zu, \"seconds\": %.6f}\n", messages, took);
}
