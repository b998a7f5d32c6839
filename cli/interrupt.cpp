// SPDX-License-Identifier: MIT
#include "interrupt.h"

#include <unistd.h>

#include <csignal>

namespace linformer::cli {
namespace {

StopFlag g_stop;
volatile std::sig_atomic_t g_signal = 0;

constexpr char kStopping[] = "\nlinformer: finishing the batch at hand; once more to lose it and end now\n";

void on_signal(int signal) {
  g_signal = signal;
  g_stop.request();
  if (isatty(STDERR_FILENO) != 0) [[maybe_unused]]
    const auto written = write(STDERR_FILENO, kStopping, sizeof kStopping - 1);
  std::signal(signal, SIG_DFL);
}

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};

}  // namespace

void stop_on_signals() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (const int signal : kSignals) {
    struct sigaction before = {};
    sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);  // nohup and shells ignore some
  }
}

void end_on_signals() {
  for (const int signal : kSignals) {
    struct sigaction now = {};
    sigaction(signal, nullptr, &now);
    if (now.sa_handler == on_signal) std::signal(signal, SIG_DFL);
  }
}

const StopFlag& stop_flag() { return g_stop; }
int stop_signal() { return g_signal; }

}  // namespace linformer::cli
