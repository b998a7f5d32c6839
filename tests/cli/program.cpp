// SPDX-License-Identifier: MIT
#include "program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <stdexcept>

#include "base/error.h"
#include "io/file_descriptor.h"
#include "places.h"

extern char** environ;

namespace linformer {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kHangs = 600;  // seconds; how fast a program is decides no test

struct Pipe {
  FileDescriptor read, write;

  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    read = FileDescriptor(ends[0]);
    write = FileDescriptor(ends[1]);
  }
};

std::vector<std::string> environment_of(const ProgramRun& run) {
  std::map<std::string, std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text(*entry);
    const size_t equals = text.find('=');
    if (equals != std::string::npos) all[text.substr(0, equals)] = text.substr(equals + 1);
  }
  for (const char* name : {"NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"}) all.erase(name);
  all["TERM"] = "xterm";
  all["OMP_WAIT_POLICY"] = "passive";  // spinning threads take five times as long beside other busy programs
  for (const auto& [name, value] : run.environment) all[name] = value;
  std::vector<std::string> entries;
  for (const auto& [name, value] : all) entries.push_back(name + "=" + value);
  return entries;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

// System calls without glibc's wrappers, which wait for other threads that are not there after fork.
bool drop_privileges() {
  constexpr unsigned kNobody = 65534;
  return ::geteuid() != 0 || (::syscall(SYS_setgroups, 0, nullptr) == 0 &&
                              ::syscall(SYS_setgid, kNobody) == 0 && ::syscall(SYS_setuid, kNobody) == 0);
}

// What is there to read; false at the end.
bool read_some(const FileDescriptor& file, std::string& text) {
  std::array<char, 65536> bytes;
  const ssize_t got = ::read(file.get(), bytes.data(), bytes.size());
  if (got < 0) return errno == EINTR;
  text.append(bytes.data(), static_cast<size_t>(got));
  return got > 0;
}

}  // namespace

ProgramResult run_program(const std::vector<std::string>& arguments, const ProgramRun& run) {
  std::vector<std::string> command = {program_path()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  std::vector<std::string> settings = environment_of(run);
  const std::vector<char*> argv = pointers(command), envp = pointers(settings);
  Pipe in, out, err;
  if (::write(in.write.get(), run.input.data(), run.input.size()) !=
      static_cast<ssize_t>(run.input.size())) {  // it fits the pipe's buffer
    throw std::runtime_error("stdin");
  }
  if (!run.read_output) out.read.close();

  // Opened by whom the tests run as: who has no privileges may not get at the folder it is in.
  const FileDescriptor program(::open(program_path().c_str(), O_RDONLY | O_CLOEXEC));
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork");
  if (child == 0) {  // only what is allowed between fork and exec of a process with threads
    const rlimit limit = {static_cast<rlim_t>(run.file_limit), static_cast<rlim_t>(run.file_limit)};
    const bool ready = (!run.unprivileged || drop_privileges()) && ::dup2(in.read.get(), 0) == 0 &&
                       ::dup2(out.write.get(), 1) == 1 && ::dup2(err.write.get(), 2) == 2 &&
                       ::chdir(run.folder.c_str()) == 0 &&
                       (run.file_limit == 0 || ::setrlimit(RLIMIT_FSIZE, &limit) == 0);
    if (ready) ::syscall(SYS_execveat, program.get(), "", argv.data(), envp.data(), AT_EMPTY_PATH);
    ::_exit(127);
  }
  in.read.close();
  in.write.close();
  out.write.close();
  err.write.close();

  ProgramResult result;
  const Clock::time_point begin = Clock::now();
  bool timed_out = false;
  bool out_open = run.read_output, err_open = true;
  while (out_open || err_open) {
    pollfd files[] = {{out_open ? out.read.get() : -1, POLLIN, 0},
                      {err_open ? err.read.get() : -1, POLLIN, 0}};
    const bool waiting = run.signal != 0 && !result.signalled;
    ::poll(files, 2, waiting ? 1 : 100);
    if (files[0].revents != 0) out_open = read_some(out.read, result.out);
    if (files[1].revents != 0) err_open = read_some(err.read, result.err);
    if (waiting && run.when(child)) result.signalled = ::kill(child, run.signal) == 0;
    if (std::chrono::duration<double>(Clock::now() - begin).count() > kHangs) {
      timed_out = true;
      ::kill(child, SIGKILL);
      break;
    }
  }
  int status = 0;
  rusage usage = {};
  while (::wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  if (!timed_out) result.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  constexpr int64_t kKib = 1024;
  result.peak_bytes = usage.ru_maxrss * kKib;
  return result;
}

std::string bert_fixture(const std::string& name) { return fixtures() + "/bert/" + name; }

std::string ids_jsonl(int64_t sequences, int64_t length) {
  std::string text;
  for (int64_t i = 0; i < sequences; ++i) {
    text += "{\"ids\": [2";
    for (int64_t j = 1; j + 1 < length; ++j)
      text += ", " + std::to_string(5 + (i * 37 + j * j * 11 + i * j) % 95);
    text += ", 3]}\n";
  }
  return text;
}

}  // namespace linformer
