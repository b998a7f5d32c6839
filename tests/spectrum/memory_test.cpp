// SPDX-License-Identifier: MIT
#include "catch.h"
#include "model/recorder.h"
#include "spectrum/analysis.h"

namespace linformer {
namespace {

std::vector<TokenSequence> sequences(const std::vector<int64_t>& lengths) {
  std::vector<TokenSequence> list;
  for (const int64_t length : lengths) {
    TokenSequence sequence{.document = std::ssize(list), .ids = {}};
    for (int64_t i = 0; i < length; ++i)
      sequence.ids.push_back(static_cast<int32_t>(5 + (i * 7 + length) % 90));
    list.push_back(std::move(sequence));
  }
  return list;
}

// Peak of the buffers of a whole analysis, as a share of what was announced.
double peak_share(const std::vector<int64_t>& lengths, AnalysisOptions options, int threads) {
  LoadedFixture loaded(fixture("bert/base-prefixless"));
  Run run{.memory = loaded.memory, .threads = threads};
  const int64_t before = loaded.memory.current_bytes();
  const auto source = make_model_source(loaded.model, sequences(lengths), {}, run);
  Analysis analysis(*source, std::move(options), run);
  const int64_t announced = analysis.required_bytes(0);
  analysis.run({}, {});
  return static_cast<double>(loaded.memory.peak_bytes() - before) / static_cast<double>(announced);
}

TEST_CASE("an analysis stays within the memory it announces, and announces no multiple of it") {
  const AnalysisOptions all{.at = {AtPoint{.share = 0.25}},
                            .controls = {kMatchedControl, kPermutedControl},
                            .logits = true,
                            .verify = 1};
  const AnalysisOptions plain{.at = {AtPoint{.share = 0.25}}, .controls = {}, .centred = false, .verify = 0};
  for (const std::string& method : {std::string("fast"), std::string("gram"), std::string("gesdd")}) {
    for (const std::vector<int64_t>& lengths :
         {std::vector<int64_t>{60, 60, 60}, std::vector<int64_t>{60, 7, 31, 7, 60}}) {
      for (const int threads : {1, 3}) {
        for (AnalysisOptions options : {all, plain}) {
          options.method = method;
          CAPTURE(method, lengths.size(), threads, options.verify);
          const double share = peak_share(lengths, options, threads);
          CHECK(share <= 1);
          // fast has room for flat spectra too, and not every thread has a group
          CHECK(share >= (method == "fast" ? 0.25 : 0.5));
        }
      }
    }
  }
}

}  // namespace
}  // namespace linformer
