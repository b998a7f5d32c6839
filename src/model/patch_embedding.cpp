// SPDX-License-Identifier: MIT
#include <algorithm>

#include "base/threads.h"
#include "model/input_embedding.h"

namespace linformer {
namespace {

// The convolution whose stride is its size is a dense layer over unfolded patches; images pass one by one.
class PatchEmbedding final : public InputEmbedding {
 public:
  explicit PatchEmbedding(const Model& model)
      : a_(model.architecture()),
        shape_(*a_.image),
        weights_(model.embeddings()),
        projection_(weights_.patches.weight, weights_.patches.bias, {.accumulate = true}) {}

  InputSize size_of(const ModelInput& input) const override {
    return {std::ssize(std::get<ImageBatch>(input).indices), a_.positions};
  }

  void prepare(int64_t) override { projection_.prepare(shape_.patches()); }
  int64_t scratch_bytes() const override { return projection_.scratch_bytes(); }
  int64_t packed_bytes() const override { return projection_.packed_bytes(); }
  int64_t room_floats(int64_t) const override { return shape_.patches() * shape_.patch_values(); }

  void pack(MemoryAccount& account) override {
    if (!projection_.packed()) projection_.pack(account);
  }

  void run(const ModelInput& input, float* room, float* out, void* scratch, int threads) override {
    const auto& [images, indices] = std::get<ImageBatch>(input);
    for (const int64_t image : indices) {
      unfold(*images, image, room, threads);
      projection_.run(shape_.patches(), room, put_positions(out), scratch);
      out += a_.positions * a_.width;
    }
  }

 private:
  // One row a patch, [channels, patch height, patch width] as the weights have it.
  void unfold(const StoredImages& images, int64_t image, float* out, int threads) const {
    const int64_t rows = shape_.patch_height;
    const auto count = static_cast<size_t>(shape_.patch_width);
    parallel_for(threads, shape_.patches(), [&](int64_t patch, int) {
      const int64_t y = patch / shape_.columns() * rows, x = patch % shape_.columns() * shape_.patch_width;
      float* to = out + patch * shape_.patch_values();
      for (int64_t c = 0; c < shape_.channels; ++c) {
        for (int64_t i = 0; i < rows; ++i, to += count) {
          images.read(image, (c * shape_.height + y + i) * shape_.width + x, {to, count});
        }
      }
    });
  }

  // Positions, plus the prefix tokens, which are the first; returns the first patch's place.
  float* put_positions(float* out) const {
    std::copy_n(weights_.positions.data, a_.positions * a_.width, out);
    for (const MatrixView<const float>& token : weights_.prefix) {
      for (int64_t j = 0; j < a_.width; ++j) out[j] += token.data[j];
      out += a_.width;
    }
    return out;
  }

  const Architecture& a_;
  const ImageShape& shape_;
  const EmbeddingWeights& weights_;
  Dense projection_;
};

}  // namespace

std::unique_ptr<InputEmbedding> make_patch_embedding(const Model& model) {
  return std::make_unique<PatchEmbedding>(model);
}

}  // namespace linformer
