#include "lab/keeper.h"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <signal.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"

namespace labcoat {
namespace {

std::string scratch(const std::string& name) {
  const std::string path =
      testing::TempDir() + "labcoat-keeper-" + std::to_string(getpid()) + "-" + name;
  std::filesystem::remove_all(path);
  return path;
}

Command shell(const std::string& script, const std::string& output) {
  Command command;
  command.argv = {"sh", "-c", script};
  command.directory = "/";
  command.output_path = output;
  return command;
}

bool alive(pid_t pid) {
  return kill(pid, 0) == 0;
}

// Opening a FIFO for reading returns when somebody writes: an event instead of a sleep.
pid_t read_pid(const std::string& fifo) {
  const int fd = open(fifo.c_str(), O_RDONLY);
  char buffer[32] = {};
  (void)!read(fd, buffer, sizeof buffer - 1);
  close(fd);
  return static_cast<pid_t>(parse_int(trim(buffer)).value_or(0));
}

TEST(Keeper, tells_how_its_command_ended) {
  auto keeper = Keeper::start(shell("exit 3", scratch("exit")));
  ASSERT_TRUE(keeper) << keeper.error().text;
  const auto status = (*keeper)->wait_exit(10 * seconds);
  ASSERT_TRUE(status);
  EXPECT_EQ(WEXITSTATUS(*status), 3);
}

TEST(Keeper, keeps_the_output_of_its_command) {
  const std::string output = scratch("output");
  auto keeper = Keeper::start(shell("echo out; echo err >&2", output));
  ASSERT_TRUE(keeper) << keeper.error().text;
  ASSERT_TRUE((*keeper)->wait_exit(10 * seconds));
  EXPECT_EQ(read_file(output).value(), "out\nerr\n");
}

TEST(Keeper, names_a_program_that_does_not_exist) {
  Command command = shell("", scratch("none"));
  command.argv = {"no-such-program-anywhere"};
  const auto keeper = Keeper::start(command);
  ASSERT_FALSE(keeper);
  EXPECT_NE(keeper.error().text.find("no-such-program-anywhere"), std::string::npos);
}

TEST(Keeper, passes_a_signal_on) {
  const std::string fifo = scratch("signal");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  auto keeper = Keeper::start(shell(
      "trap 'exit 7' TERM; echo $$ > " + fifo + "; while :; do sleep 0.02; done", scratch("s")));
  ASSERT_TRUE(keeper) << keeper.error().text;
  EXPECT_EQ(read_pid(fifo), (*keeper)->server_pid());
  (*keeper)->send_signal(SIGTERM);
  const auto status = (*keeper)->wait_exit(10 * seconds);
  ASSERT_TRUE(status);
  EXPECT_EQ(WEXITSTATUS(*status), 7);
}

TEST(Keeper, kills_a_grandchild_that_left_the_process_group) {
  const std::string fifo = scratch("group");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  auto keeper = Keeper::start(
      shell("setsid sh -c 'echo $$ > " + fifo + "; exec sleep 1000' & wait", scratch("g")));
  ASSERT_TRUE(keeper) << keeper.error().text;
  const pid_t grandchild = read_pid(fifo);
  ASSERT_TRUE(alive(grandchild));
  (*keeper)->kill_all();
  EXPECT_FALSE(alive(grandchild));
}

// Everything the server started holds the FIFO's writing end, so its end of file is the moment the
// last of them is dead.
TEST(Keeper, leaves_nothing_running_when_its_laboratory_is_killed) {
  const std::string fifo = scratch("orphan");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const pid_t laboratory = fork();
  if (laboratory == 0) {
    auto keeper = Keeper::start(shell("exec 7> " + fifo +
                                          "; trap '' TERM INT HUP; setsid sleep 1000 & "
                                          "echo $! >&7; wait",
                                      scratch("o")));
    pause();
  }
  const int fd = open(fifo.c_str(), O_RDONLY);
  char buffer[32] = {};
  ASSERT_GT(read(fd, buffer, sizeof buffer - 1), 0);
  const auto grandchild = static_cast<pid_t>(parse_int(trim(buffer)).value_or(0));
  ASSERT_TRUE(alive(grandchild));
  kill(laboratory, SIGKILL);
  waitpid(laboratory, nullptr, 0);
  EXPECT_EQ(read(fd, buffer, sizeof buffer), 0);
  close(fd);
}

}  // namespace
}  // namespace labcoat
