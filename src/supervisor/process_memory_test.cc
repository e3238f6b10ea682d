#include "supervisor/process_memory.h"

#include <cstring>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace labcoat::supervisor {
namespace {

TEST(ProcessMemory, grows_by_what_is_touched) {
  const i64 before = proportional_bytes(getpid());
  constexpr size_t bytes = 32 << 20;
  std::vector<char> block(bytes, 'x');
  EXPECT_GE(proportional_bytes(getpid()) - before, i64{bytes} / 2);
  EXPECT_EQ(block[bytes / 2], 'x');
}

TEST(ProcessMemory, counts_shared_pages_once_among_those_who_share_them) {
  constexpr size_t bytes = 32 << 20;
  std::vector<char> block(bytes, 'x');
  const i64 alone = proportional_bytes(getpid());
  const i64 own = private_bytes(getpid());
  EXPECT_GE(own, i64{bytes});
  int hold[2];
  ASSERT_EQ(pipe(hold), 0);
  const pid_t child = fork();
  if (child == 0) {
    char byte;
    close(hold[1]);
    [[maybe_unused]] const ssize_t got = read(hold[0], &byte, 1);
    _exit(0);
  }
  EXPECT_LT(proportional_bytes(getpid()), alone - i64{bytes} / 4);
  EXPECT_LT(private_bytes(getpid()), own - i64{bytes} / 2);
  EXPECT_GE(resident_bytes(getpid()), i64{bytes});
  close(hold[1]);
  waitpid(child, nullptr, 0);
  close(hold[0]);
  EXPECT_EQ(block[0], 'x');
}

TEST(ProcessMemory, of_nobody_is_minus_one) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  EXPECT_EQ(resident_bytes(child), -1);
  EXPECT_EQ(proportional_bytes(child), -1);
  EXPECT_EQ(private_bytes(child), -1);
}

}  // namespace
}  // namespace labcoat::supervisor
