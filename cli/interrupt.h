// SPDX-License-Identifier: MIT
#pragma once

#include <stdexcept>

#include "base/run.h"

namespace linformer::cli {

/// To be called first of all, before there is another thread: from then on a thread of its own waits for
/// SIGINT, SIGTERM and SIGHUP, as far as they are not ignored, and no other thread is interrupted by them.
/// oneDNN's kernels (2.6) move the stack pointer into matrices; a handler that ran on their threads would
/// write there.
void watch_signals();

/// From now on the first of them requests a stop; a second one ends the process at once, as the first did
/// before.
void stop_on_signals();

/// From now on the first of them ends the process at once again: where nothing is left that a stop could
/// keep, and where a pipe may wait for its reader for ever.
void end_on_signals();

/// Set by the first signal.
const StopFlag& stop_flag();

/// The signal that requested the stop; 0 for none.
int stop_signal();

/// Thrown by what can keep nothing of itself where it was stopped before its end; what() says what to do.
class Interrupted : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace linformer::cli
