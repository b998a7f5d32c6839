// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "checkpoint/pickle_machine.h"

namespace linformer {

/// The pickle machine with what stands for calls: for each global that may be called, the node that its
/// result is.
class PickleCalls : public PickleMachine {
 public:
  using PickleMachine::PickleMachine;

 protected:
  /// More arguments than any function here, or items of a storage's id, has.
  static constexpr size_t kMaxArguments = 16;

  /// Takes a tuple and a global off the stack and puts the result there.
  void call();

 private:
  PickleId result_of(PickleId function, PickleId arguments);
  bool is_tensor(PickleId id);
  /// dict(), or OrderedDict([[key, value], ...]) as Python 2 wrote it.
  PickleId dict_of(const std::vector<PickleId>& args);
  PickleId tensor_of(PickleGlobal version, const std::vector<PickleId>& args);
  /// A tensor with attributes; of a class of its own it is none that is read.
  PickleId tensor_of_type(const std::vector<PickleId>& args);
};

}  // namespace linformer
