// SPDX-License-Identifier: MIT
// Models of images; that they agree with transformers is in families_test.cpp.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "catch.h"
#include "images.h"
#include "io/error_of.h"

namespace linformer {
namespace {

using Indices = std::vector<int64_t>;

// A fixture and three images for it.
struct ImageRun {
  explicit ImageRun(const std::string& variant)
      : loaded(fixture("models/" + variant)),
        shape(*loaded.plan.architecture.image),
        source(make_model_source(loaded.model,
                                 StoredImages(TensorFile::open(put_images(folder, 3, shape), true), shape, 0),
                                 {}, loaded.run)) {}

  TemporaryFolder folder;
  LoadedFixture loaded;
  ImageShape shape;
  std::unique_ptr<AttentionSource> source;
};

TEST_CASE("Every image is a sequence of all patches and prefix tokens, and a document of its own") {
  const std::vector<std::pair<const char*, int64_t>> lengths = {
      {"vit", 9 + 1}, {"deit", 9 + 2}, {"vit-rectangular", 12 + 1}};
  for (const auto& [variant, n] : lengths) {
    const ImageRun run(variant);
    INFO(variant);
    CHECK(run.source->facts().sizes == std::vector<MapSize>(3, {n, n}));
    CHECK(run.source->facts().documents == Indices{0, 1, 2});
  }
  CHECK(ImageRun("deit").loaded.plan.architecture.prefix_tokens() == 2);
  CHECK(LoadedFixture().plan.architecture.prefix_tokens() == 0);
}

TEST_CASE("Images give the same numbers together and alone, whole files and mapped ones") {
  ImageRun together("vit-rectangular");
  Recorder all;
  together.source->run(Indices{0, 1, 2}, 2, all);
  for (const int64_t image : {2, 0, 1}) {
    ImageRun alone("vit-rectangular");
    const std::string path = put_images(alone.folder, 3, alone.shape);
    const auto source =
        make_model_source(alone.loaded.model, StoredImages(TensorFile::open(path, false), alone.shape, 0), {},
                          alone.loaded.run);
    Recorder one;
    source->run(Indices{image}, 2, one);
    CHECK(one.embeddings.at(image) == all.embeddings.at(image));
    CHECK(agrees(one.at(1, image).probabilities, all.at(1, image).probabilities));
  }
  CHECK(all.embeddings.at(0) != all.embeddings.at(1));
}

TEST_CASE("A source of images takes just the bytes that were announced, whatever the file has") {
  for (const char* variant : {"vit", "deit", "vit-rectangular"}) {
    for (const int64_t batch : {1, 3}) {
      ImageRun run(variant);
      const MemoryAccount& memory = run.loaded.memory;
      const int64_t weights = memory.current_bytes();
      const LayerWants wants{.logits = true, .probabilities = true};
      const int64_t announced = run.source->buffer_bytes(batch, run.source->facts().sizes[0], wants);
      Indices images(static_cast<size_t>(batch));
      std::iota(images.begin(), images.end(), 0);
      Recorder recorder(wants);
      run.source->run(images, 2, recorder);
      CAPTURE(variant, batch);
      CHECK(memory.current_bytes() - weights == announced);
      CHECK(memory.peak_bytes() - weights == announced);
    }
  }
}

TEST_CASE("An untrained DeiT begins with tokens and positions of zero, a ViT with small random ones") {
  MemoryAccount memory;
  const auto largest = [](MatrixView<const float> m) {
    float most = 0;
    for (int64_t i = 0; i < m.rows * m.cols; ++i) most = std::max(most, std::abs(m.data[i]));
    return most;
  };
  const auto untrained = [&](const char* variant) {
    return Model::untrained(plan_model(Checkpoint::open(fixture(std::string("models/") + variant), true)), 1,
                            memory);
  };
  const Model deit = untrained("deit"), vit = untrained("vit");
  REQUIRE(deit.embeddings().prefix.size() == 2);
  CHECK(largest(deit.embeddings().positions) == 0);
  for (const MatrixView<const float>& token : deit.embeddings().prefix) CHECK(largest(token) == 0);
  REQUIRE(vit.embeddings().prefix.size() == 1);
  for (const MatrixView<const float>& m :
       {vit.embeddings().positions, vit.embeddings().prefix[0], deit.embeddings().patches.weight}) {
    CHECK(largest(m) > 0.02f);
    CHECK(largest(m) < 0.02f * 5);
  }
}

}  // namespace
}  // namespace linformer
