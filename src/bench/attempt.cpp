// SPDX-License-Identifier: MIT
#include "bench/attempt.h"

#include "base/error.h"

namespace linformer {
namespace {

CellState state_after(const std::exception& failure) {
  const auto* const error = dynamic_cast<const Error*>(&failure);
  if (error == nullptr) return CellState::kFailed;
  switch (error->code()) {
    case ErrorCode::kMemory:
      return CellState::kTooLarge;
    case ErrorCode::kUsage:
    case ErrorCode::kUnsupported:
      return CellState::kUnsupported;
    default:
      return CellState::kFailed;
  }
}

}  // namespace

void note_failure(CellResult& result, const std::exception& failure) {
  result.state = state_after(failure);
  result.reason = failure.what();
}

}  // namespace linformer
