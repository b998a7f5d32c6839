// SPDX-License-Identifier: MIT
#include "checkpoint/pickle_globals.h"

#include <algorithm>
#include <array>

namespace linformer {
namespace {

struct Named {
  std::string_view module;  ///< a final '*' stands for the rest
  std::string_view name;    ///< likewise
  PickleGlobal meaning;
};

constexpr Named kNamed[] = {
    {"collections", "OrderedDict", PickleGlobal::kDict},
    {"collections", "defaultdict", PickleGlobal::kDict},
    {"collections", "Counter", PickleGlobal::kRecord},
    {"torch", "Size", PickleGlobal::kSize},
    {"torch", "Tensor", PickleGlobal::kTensorClass},
    {"torch.nn.parameter", "Parameter", PickleGlobal::kTensorClass},
    {"torch", "device", PickleGlobal::kRecord},
    {"torch", "per_tensor_affine", PickleGlobal::kRecord},
    {"torch", "per_tensor_symmetric", PickleGlobal::kRecord},
    {"torch", "per_channel_affine", PickleGlobal::kRecord},
    {"torch", "per_channel_symmetric", PickleGlobal::kRecord},
    {"torch", "per_channel_affine_float_qparams", PickleGlobal::kRecord},
    {"torch.serialization", "_get_layout", PickleGlobal::kRecord},
    {"torch._utils", "_rebuild_tensor", PickleGlobal::kRebuildTensor},
    {"torch._utils", "_rebuild_tensor_v2", PickleGlobal::kRebuildTensor},
    {"torch._utils", "_rebuild_tensor_v3", PickleGlobal::kRebuildTensorV3},
    {"torch._utils", "_rebuild_parameter", PickleGlobal::kRebuildParameter},
    {"torch._utils", "_rebuild_parameter_with_state", PickleGlobal::kRebuildParameter},
    {"torch._utils", "_rebuild_qtensor", PickleGlobal::kRebuildForeign},
    {"torch._utils", "_rebuild_sparse_tensor", PickleGlobal::kRebuildForeign},
    {"torch._utils", "_rebuild_sparse_csr_tensor", PickleGlobal::kRebuildForeign},
    {"torch._utils", "_rebuild_nested_tensor", PickleGlobal::kRebuildForeign},
    {"torch._utils", "_rebuild_meta_tensor_no_storage", PickleGlobal::kRebuildForeign},
    {"torch._utils", "_rebuild_wrapper_subclass", PickleGlobal::kRebuildForeign},
    {"torch._utils", "_rebuild_device_tensor_from_numpy", PickleGlobal::kRebuildForeign},
    {"torch._utils", "_rebuild_device_tensor_from_cpu_tensor", PickleGlobal::kRebuildForeign},
    {"torch._tensor", "_rebuild_from_type_v2", PickleGlobal::kRebuildFromType},
    {"_codecs", "encode", PickleGlobal::kRecord},
    {"builtins", "dict", PickleGlobal::kDict},
    {"builtins", "bool", PickleGlobal::kRecord},
    {"builtins", "bytearray", PickleGlobal::kRecord},
    {"builtins", "bytes", PickleGlobal::kRecord},
    {"builtins", "complex", PickleGlobal::kRecord},
    {"builtins", "float", PickleGlobal::kRecord},
    {"builtins", "int", PickleGlobal::kRecord},
    {"builtins", "list", PickleGlobal::kRecord},
    {"builtins", "object", PickleGlobal::kRecord},
    {"builtins", "set", PickleGlobal::kRecord},
    {"builtins", "str", PickleGlobal::kRecord},
    {"builtins", "tuple", PickleGlobal::kRecord},
    {"typing", "Any", PickleGlobal::kRecord},
    {"argparse", "Namespace", PickleGlobal::kNamespace},
    {"omegaconf", "*", PickleGlobal::kRecord},
    {"omegaconf.*", "*", PickleGlobal::kRecord},
    {"fairseq.*", "*", PickleGlobal::kRecord},
    {"pathlib", "*", PickleGlobal::kRecord},
    {"pathlib.*", "*", PickleGlobal::kRecord},
    {"numpy", "dtype", PickleGlobal::kRecord},
    {"numpy", "ndarray", PickleGlobal::kRecord},
    {"numpy.core.multiarray", "scalar", PickleGlobal::kRecord},
    {"numpy.core.multiarray", "_reconstruct", PickleGlobal::kRecord},
    {"numpy._core.multiarray", "scalar", PickleGlobal::kRecord},
    {"numpy._core.multiarray", "_reconstruct", PickleGlobal::kRecord},
};

constexpr TorchType kTypes[] = {
    {"FloatStorage", "float32", "F32", 4},
    {"HalfStorage", "float16", "F16", 2},
    {"BFloat16Storage", "bfloat16", "BF16", 2},
    {"DoubleStorage", "float64", "F64", 8},
    {"LongStorage", "int64", "I64", 8},
    {"IntStorage", "int32", "I32", 4},
    {"ShortStorage", "int16", "I16", 2},
    {"CharStorage", "int8", "I8", 1},
    {"ByteStorage", "uint8", "U8", 1},
    {"UntypedStorage", "uint8", "U8", 1},
    {"_UntypedStorage", "uint8", "U8", 1},
    {"BoolStorage", "bool", "BOOL", 1},
    {"", "uint16", "U16", 2},
    {"", "uint32", "U32", 4},
    {"", "uint64", "U64", 8},
    {"ComplexFloatStorage", "complex64", "C64", 8},
    {"ComplexDoubleStorage", "complex128", "C128", 16},
    {"", "complex32", "C32", 4},
    {"", "float8_e4m3fn", "F8_E4M3", 1},
    {"", "float8_e5m2", "F8_E5M2", 1},
    {"", "float8_e4m3fnuz", "F8_E4M3FNUZ", 1},
    {"", "float8_e5m2fnuz", "F8_E5M2FNUZ", 1},
    {"", "float8_e8m0fnu", "F8_E8M0", 1},
    {"QInt8Storage", "qint8", "QI8", 1},
    {"QUInt8Storage", "quint8", "QU8", 1},
    {"QInt32Storage", "qint32", "QI32", 4},
    {"QUInt4x2Storage", "quint4x2", "QU4", 1},
    {"QUInt2x4Storage", "quint2x4", "QU2", 1},
};

bool matches(std::string_view pattern, std::string_view text) {
  return pattern.ends_with('*') ? text.starts_with(pattern.substr(0, pattern.size() - 1)) : pattern == text;
}

const TorchType* find_type(std::string_view name) {
  const auto type = std::ranges::find_if(
      kTypes, [&](const TorchType& t) { return !name.empty() && (t.storage == name || t.dtype == name); });
  return type == std::end(kTypes) ? nullptr : &*type;
}

}  // namespace

std::optional<PickleGlobal> find_pickle_global(std::string_view module, std::string_view name) {
  if (module == "__builtin__") module = "builtins";  // Python 2
  for (const Named& named : kNamed) {
    if (matches(named.module, module) && matches(named.name, name)) return named.meaning;
  }
  constexpr std::array<std::string_view, 3> kModulesOfTypes = {"torch", "torch.cuda", "torch.storage"};
  const bool typed = std::ranges::find(kModulesOfTypes, module) != kModulesOfTypes.end();
  return typed && find_type(name) != nullptr ? std::optional(PickleGlobal::kType) : std::nullopt;
}

const TorchType& find_torch_type(std::string_view global) {
  return *find_type(global.substr(global.find('\n') + 1));
}

}  // namespace linformer
