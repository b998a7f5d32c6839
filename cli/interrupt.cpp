// SPDX-License-Identifier: MIT
#include "interrupt.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
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

void watch(const sigset_t& watched) {
  int signal = 0;
  while (sigwait(&watched, &signal) == 0) {
    if (!g_may_stop || g_stop.requested()) end_by(signal);
    g_signal = signal;
    g_stop.request();
    if (isatty(STDERR_FILENO) != 0) [[maybe_unused]]
      const auto written = write(STDERR_FILENO, kStopping, sizeof kStopping - 1);
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
  std::thread([watched] { watch(watched); }).detach();
}

void stop_on_signals() { g_may_stop = true; }
void end_on_signals() { g_may_stop = false; }

const StopFlag& stop_flag() { return g_stop; }
int stop_signal() { return g_signal; }

}  // namespace linformer::cli
