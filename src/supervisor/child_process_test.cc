#include "supervisor/child_process.h"

#include <algorithm>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

namespace labcoat::supervisor {
namespace {

int wait_for(pid_t pid) {
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  return status;
}

TEST(Spawn, says_when_there_is_no_such_program) {
  const auto pid = spawn({{"/no/such/program"}, {}}, {});
  ASSERT_FALSE(pid);
  EXPECT_EQ(pid.error().text, "cannot run /no/such/program: No such file or directory");
}

TEST(Spawn, hands_over_one_descriptor_and_a_clean_environment) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const Fd reading(ends[0]);
  Fd writing(ends[1]);
  // Open in the child: 0, 1, 2, the one inherited, and the directory that is being read.
  const auto pid = spawn({{"/bin/sh", "-c", "ls /proc/self/fd >&$0; echo $ANSWER >&$0"},
                          {"ANSWER=42", "PATH=/usr/bin:/bin"}},
                         {.inherited_fd = writing.get()});
  ASSERT_TRUE(pid) << pid.error().text;
  EXPECT_EQ(wait_for(*pid), 0);
  writing.reset();
  char buffer[256] = {};
  ASSERT_GT(read(reading.get(), buffer, sizeof buffer - 1), 0);
  const std::string text = buffer;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 6) << text;
  EXPECT_TRUE(text.ends_with("\n42\n")) << text;
}

TEST(DescribeExit, tells_status_and_signal_in_words) {
  const auto left = spawn({{"/bin/sh", "-c", "exit 3"}, {}}, {});
  EXPECT_EQ(describe_exit(wait_for(*left)), "exited with status 3");
  const auto killed = spawn({{"/bin/sh", "-c", "kill -KILL $$"}, {}}, {});
  EXPECT_EQ(describe_exit(wait_for(*killed)), "was killed by SIGKILL");
}

}  // namespace
}  // namespace labcoat::supervisor
