// SPDX-License-Identifier: MIT
#include "checkpoint/pickle_calls.h"

#include <utility>

namespace linformer {

namespace {
using Kind = PickleKind;
}  // namespace

void PickleCalls::call() {
  const PickleId arguments = pop();
  const PickleId function = pop();
  push(result_of(function, arguments));
}

PickleId PickleCalls::result_of(PickleId function, PickleId arguments) {
  const PickleNode& f = node(function);
  const std::vector<PickleId>& args = node(arguments).items;
  if (f.kind != Kind::kGlobal || node(arguments).kind != Kind::kTuple)
    corrupt("a call of what cannot be called");
  switch (f.global) {
    case PickleGlobal::kRecord:
      return make({.kind = Kind::kRecord});
    case PickleGlobal::kNamespace:
      return make({.kind = Kind::kObject});
    case PickleGlobal::kDict:
      return dict_of(args);
    case PickleGlobal::kSize:
      if (args.size() != 1 || node(args[0]).kind != Kind::kTuple) corrupt("a torch.Size of no tuple");
      return args[0];
    case PickleGlobal::kRebuildTensor:
    case PickleGlobal::kRebuildTensorV3:
      return tensor_of(f.global, args);
    case PickleGlobal::kRebuildParameter:
      if (args.empty() || !is_tensor(args[0])) corrupt("a parameter without a tensor");
      return args[0];
    case PickleGlobal::kRebuildFromType:
      return tensor_of_type(args);
    case PickleGlobal::kRebuildForeign:
      return make({.kind = Kind::kForeign, .text = f.text.substr(f.text.find('\n') + 1)});
    default:
      corrupt("a call of what cannot be called");
  }
}

bool PickleCalls::is_tensor(PickleId id) {
  return node(id).kind == Kind::kTensor || node(id).kind == Kind::kForeign;
}

PickleId PickleCalls::dict_of(const std::vector<PickleId>& args) {
  PickleNode dict{.kind = Kind::kDict};
  if (args.size() == 1 && node(args[0]).kind == Kind::kList) {
    for (const PickleId pair : node(args[0]).items) {
      if (node(pair).items.size() != 2) corrupt("a dict of what are no pairs");
      append(dict, node(pair).items);
    }
  }
  return make(std::move(dict));
}

PickleId PickleCalls::tensor_of(PickleGlobal version, const std::vector<PickleId>& args) {
  const size_t least = version == PickleGlobal::kRebuildTensorV3 ? 7 : 4;
  if (args.size() < least || args.size() > kMaxArguments) corrupt("a tensor of too few or many arguments");
  PickleNode tensor{.kind = Kind::kTensor, .global = version};
  append(tensor, args);
  return make(std::move(tensor));
}

PickleId PickleCalls::tensor_of_type(const std::vector<PickleId>& args) {
  if (args.size() != 4 || node(args[2]).kind != Kind::kTuple)
    corrupt("a tensor of too few or many arguments");
  const PickleNode& f = node(args[0]);
  const PickleNode& type = node(args[1]);
  const bool plain = type.kind == Kind::kGlobal && type.global == PickleGlobal::kTensorClass;
  const bool view = f.kind == Kind::kGlobal &&
                    (f.global == PickleGlobal::kRebuildTensor || f.global == PickleGlobal::kRebuildTensorV3);
  if (plain && view) return tensor_of(f.global, node(args[2]).items);
  return make({.kind = Kind::kForeign, .text = "subclass"});
}

}  // namespace linformer
