// SPDX-License-Identifier: MIT
#pragma once

#include "base/run.h"

namespace linformer::cli {

/// From now on the first SIGINT, SIGTERM or SIGHUP that is not ignored requests a stop; a second one ends the
/// process at once. Files beyond the size limit make writing fail instead of ending the process.
void stop_on_signals();

/// From now on the first of them ends the process at once again: where nothing is left that a stop could
/// keep, and where a pipe may wait for its reader for ever.
void end_on_signals();

/// Set by the first signal.
const StopFlag& stop_flag();

/// The signal that requested the stop; 0 for none.
int stop_signal();

}  // namespace linformer::cli
