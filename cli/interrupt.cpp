// SPDX-License-Identifier: MIT
#include "interrupt.h"

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <system_error>
#include <thread>

namespace linformer::cli {
namespace {

StopFlag g_stop;
std::atomic<int> g_signal = 0;
std::atomic<bool> g_may_stop = false;  // else a signal ends the process

constexpr char kStopping[] = "\nlinformer: finishing the batch at hand; once more to lose it and end now\n";

void end_by(int signal) {
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
  std::raise(signal);
}

// On a terminal that takes it at once: one that was halted must not keep the next signal from its effect.
void say_what_follows() {
  pollfd terminal{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (isatty(STDERR_FILENO) == 0 || poll(&terminal, 1, 0) != 1) return;
  [[maybe_unused]] const auto written = write(STDERR_FILENO, kStopping, sizeof kStopping - 1);
}

void watch(const sigset_t& watched) {
  int signal = 0;
  while (sigwait(&watched, &signal) == 0) {
    if (!g_may_stop || g_stop.requested()) end_by(signal);
    g_signal = signal;
    g_stop.request();
    say_what_follows();
  }
}

}  // namespace

void watch_signals() {
  sigset_t watched;
  sigemptyset(&watched);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction now = {};
    sigaction(signal, nullptr, &now);
    if (now.sa_handler != SIG_IGN) sigaddset(&watched, signal);  // nohup and shells ignore some
  }
  pthread_sigmask(SIG_BLOCK, &watched, nullptr);
  try {
    std::thread([watched] { watch(watched); }).detach();
  } catch (const std::system_error&) {  // no more threads: signals end the process, as they do by themselves
    pthread_sigmask(SIG_UNBLOCK, &watched, nullptr);
  }
}

void stop_on_signals() { g_may_stop = true; }
void end_on_signals() { g_may_stop = false; }

const StopFlag& stop_flag() { return g_stop; }
int stop_signal() { return g_signal; }

}  // namespace linformer::cli
