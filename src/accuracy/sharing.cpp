// SPDX-License-Identifier: MIT
#include "accuracy/sharing.h"

namespace linformer {

std::string_view name_of(HeadSharing sharing) {
  switch (sharing) {
    case HeadSharing::kHead:
      return "head";
    case HeadSharing::kLayer:
      return "layer";
    case HeadSharing::kModel:
      break;
  }
  return "model";
}

int64_t group_of(HeadSharing sharing, const ReplacementSizes& sizes, int64_t layer, int64_t head) {
  switch (sharing) {
    case HeadSharing::kHead:
      return layer * sizes.heads + head;
    case HeadSharing::kLayer:
      return layer;
    case HeadSharing::kModel:
      break;
  }
  return 0;
}

int64_t group_count(HeadSharing sharing, const ReplacementSizes& sizes) {
  return group_of(sharing, sizes, sizes.layers - 1, sizes.heads - 1) + 1;
}

}  // namespace linformer
