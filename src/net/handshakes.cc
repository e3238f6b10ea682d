#include "net/handshakes.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <linux/filter.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fd.h"

namespace labcoat::net {
namespace {

struct Address {
  int family = AF_UNSPEC;
  in_port_t port = 0;  // network byte order
};

Address address_of(int listener) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getsockname(listener, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
  switch (storage.ss_family) {
    case AF_INET:
      return {AF_INET, reinterpret_cast<const sockaddr_in&>(storage).sin_port};
    case AF_INET6:
      return {AF_INET6, reinterpret_cast<const sockaddr_in6&>(storage).sin6_port};
    default:
      return {};
  }
}

struct Question {
  nlmsghdr head;
  inet_diag_req_v2 of;
};

bool ask(int diag, Address address) {
  // What a listener has of a client before the handshake's end is a state of its own to the kernel,
  // which has no name in its headers for programs (TCP_NEW_SYN_RECV).
  constexpr unsigned new_syn_received = 12;
  Question question{};
  question.head.nlmsg_len = sizeof question;
  question.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  question.of.sdiag_family = static_cast<u8>(address.family);
  question.of.sdiag_protocol = IPPROTO_TCP;
  question.of.idiag_states = 1U << TCP_SYN_RECV | 1U << new_syn_received;
  question.of.id.idiag_sport = address.port;
  return ::send(diag, &question, sizeof question, 0) == static_cast<ssize_t>(sizeof question);
}

}  // namespace

Status stop_new_handshakes(int listener) {
  if (address_of(listener).family == AF_UNSPEC) return {};
  // The program sees a segment from its TCP header on. SYN and ACK are in byte 13: the one without
  // the other begins a handshake.
  constexpr u32 flags_at = 13, syn = 0x02, ack = 0x10;
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, flags_at),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, syn | ack),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, syn, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),           // dropped
      BPF_STMT(BPF_RET | BPF_K, 0xffffffff),  // taken, whole
  };
  const sock_fprog program{static_cast<unsigned short>(std::size(code)), code};
  if (::setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) {
    return fail_errno("cannot keep clients from a listening socket");
  }
  return {};
}

bool handshakes_under_way(int listener) {
  const Address address = address_of(listener);
  if (address.family == AF_UNSPEC) return false;
  const Fd diag(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!diag || !ask(diag.get(), address)) return false;
  // The answer: a message for each, then the end. The first says enough.
  alignas(nlmsghdr) std::array<char, 8192> answer;
  const ssize_t bytes = ::recv(diag.get(), answer.data(), answer.size(), 0);
  if (bytes < static_cast<ssize_t>(sizeof(nlmsghdr))) return false;
  nlmsghdr first;
  std::memcpy(&first, answer.data(), sizeof first);
  return first.nlmsg_type == SOCK_DIAG_BY_FAMILY;
}

}  // namespace labcoat::net
