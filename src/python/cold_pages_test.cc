#include "python/cold_pages.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace labcoat::python {
namespace {

constexpr size_t page = 4096;

// What lies in it can be told by its address, and gets smaller when packed.
class Memory {
 public:
  explicit Memory(size_t pages)
      : bytes_(pages * page),
        at_(static_cast<char*>(
            mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    for (size_t i = 0; i < bytes_; ++i) at_[i] = expected(i);
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { munmap(at_, bytes_); }

  bool is_whole() const {
    for (size_t i = 0; i < bytes_; ++i) {
      if (at_[i] != expected(i)) return false;
    }
    return true;
  }
  // A system call and arithmetic only: this is asked while things are packed.
  size_t resident_pages() const {
    size_t count = 0;
    for (size_t i = 0; i < bytes_ / page; ++i) {
      unsigned char there = 0;
      if (mincore(at_ + i * page, page, &there) == 0) count += there & 1u;
    }
    return count;
  }
  char* at() const { return at_; }
  size_t bytes() const { return bytes_; }

 private:
  static char expected(size_t i) { return static_cast<char>(i % 64 == 0 ? i / page : i % 7); }

  size_t bytes_;
  char* at_;
};

struct Seen {
  size_t packed = 0;    // pages
  size_t resident = 0;  // of the memory, while it was packed
};

// Between the two nothing of this program's own memory may be used.
Seen pack_and_unpack(const Memory& memory, int times = 1) {
  ColdPages cold;
  Seen seen;
  for (int i = 0; i < times; ++i) seen.packed += cold.pack();
  seen.resident = memory.resident_pages();
  cold.unpack();
  return seen;
}

TEST(ColdPages, PagesThatNobodySharesArePackedAndComeBackAsTheyWere) {
  const Memory memory(1000);
  const Seen seen = pack_and_unpack(memory);
  if (seen.packed == 0) GTEST_SKIP() << "not under a sanitizer, nor where the kernel does not tell";
  EXPECT_GE(seen.packed, 1000u);
  EXPECT_EQ(seen.resident, 0u);
  EXPECT_TRUE(memory.is_whole());
}

TEST(ColdPages, TheyCanBePackedAgainAndAgain) {
  const Memory memory(1000);
  for (int i = 0; i < 5; ++i) {
    pack_and_unpack(memory, 3);
    EXPECT_TRUE(memory.is_whole());
    memory.at()[i * page] = memory.at()[i * page];
  }
}

TEST(ColdPages, WhatAnotherProcessSharesStaysWhereItIs) {
  const Memory memory(1000);
  int until[2];
  ASSERT_EQ(pipe(until), 0);
  const pid_t child = fork();
  if (child == 0) {
    // Half of the pages become the child's own, and so the parent's alone.
    for (size_t i = 0; i < memory.bytes() / 2; i += page) memory.at()[i] = 'x';
    char byte = 0;
    close(until[1]);
    _exit(read(until[0], &byte, 1) == 0 ? 0 : 1);
  }
  int ready = 0;
  while (ready < 500) {  // until the child has written them
    ready = 0;
    const int pagemap = open("/proc/self/pagemap", O_RDONLY);
    for (size_t i = 0; i < 500; ++i) {
      uint64_t entry = 0;
      const off_t at = static_cast<off_t>(reinterpret_cast<uintptr_t>(memory.at()) / page + i) * 8;
      ASSERT_EQ(pread(pagemap, &entry, 8, at), 8);
      ready += (entry >> 56) & 1 ? 1 : 0;
    }
    close(pagemap);
  }
  const Seen seen = pack_and_unpack(memory);
  close(until[1]);
  int status = 0;
  waitpid(child, &status, 0);
  close(until[0]);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(memory.is_whole());
  EXPECT_EQ(seen.resident, seen.packed > 0 ? 500u : 1000u);
}

TEST(ColdPages, LockedMemoryIsLeftAlone) {
  const Memory memory(100);
  const Memory other(1000);
  if (mlock(memory.at(), memory.bytes()) != 0) GTEST_SKIP() << "may not lock memory";
  EXPECT_EQ(pack_and_unpack(memory).resident, 100u);
  EXPECT_TRUE(memory.is_whole() && other.is_whole());
}

}  // namespace
}  // namespace labcoat::python
