#include "supervisor/stacks_pipe.h"

#include <csignal>
#include <gtest/gtest.h>
#include <optional>
#include <sys/wait.h>
#include <unistd.h>

namespace labcoat::supervisor {
namespace {

int child_fd = -1;
void write_answer(int) {
  [[maybe_unused]] ssize_t wrote = write(child_fd, "in slow\n", 8);
  wrote = write(child_fd, "", 1);
}

class StacksPipeTest : public testing::Test {
 protected:
  StacksPipeTest() : loop_(std::move(*net::Loop::create())) {
    pipe_ = std::move(*StacksPipe::create(*loop_));
  }
  ~StacksPipeTest() override {
    if (child_ <= 0) return;
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }

  // With handler nullptr it ignores the signal.
  void start_child(void (*handler)(int)) {
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    child_ = fork();
    if (child_ == 0) {
      child_fd = pipe_->write_end();
      signal(stacks_signal(), handler == nullptr ? SIG_IGN : handler);
      [[maybe_unused]] const ssize_t wrote = write(ready[1], "", 1);
      for (;;) pause();
    }
    char byte;
    ASSERT_EQ(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    pipe_->close_write_end();
  }

  StacksPipe::OnStacks into(std::optional<std::string>& answer) {
    return [&answer](const std::string& text) { answer = text; };
  }

  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<StacksPipe> pipe_;
  pid_t child_ = -1;
};

TEST_F(StacksPipeTest, hands_out_what_came_before_the_nul) {
  start_child(write_answer);
  std::optional<std::string> first, second;
  pipe_->ask(child_, now_ns(), into(first));
  pipe_->ask(child_, now_ns(), into(second));
  while (!second) loop_->run_once(-1);
  EXPECT_EQ(first, "in slow\n");
  EXPECT_EQ(second, "in slow\n") << "one dump for all who ask at once";
  std::optional<std::string> third;
  pipe_->ask(child_, now_ns(), into(third));
  while (!third) loop_->run_once(-1);
  EXPECT_EQ(third, "in slow\n");
}

TEST_F(StacksPipeTest, waits_for_a_worker_that_does_not_answer_no_longer_than_it_says) {
  start_child(nullptr);
  std::optional<std::string> answer;
  const i64 now = now_ns();
  pipe_->ask(child_, now, into(answer));
  EXPECT_EQ(pipe_->due(), now + StacksPipe::wait_max_ns);
  pipe_->expire(now + StacksPipe::wait_max_ns - 1);
  EXPECT_FALSE(answer);
  pipe_->expire(now + StacksPipe::wait_max_ns);
  EXPECT_EQ(answer, "");
}

TEST_F(StacksPipeTest, answers_when_its_worker_is_gone) {
  start_child(nullptr);
  std::optional<std::string> answer;
  pipe_->ask(child_, now_ns(), into(answer));
  kill(child_, SIGKILL);
  waitpid(child_, nullptr, 0);
  child_ = -1;
  loop_->run_once(0);
  pipe_->give_up();
  EXPECT_EQ(answer, "");
}

}  // namespace
}  // namespace labcoat::supervisor
