// SPDX-License-Identifier: MIT
#include "bench/bench.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "base/throttling.h"
#include "bench/budget.h"
#include "bench/conclude.h"
#include "bench/journal.h"
#include "bench/prediction.h"
#include "bench/sampling.h"
#include "bench/shape_run.h"

namespace linformer {
namespace {

class Bench {
 public:
  Bench(const std::vector<BenchCell>& cells, const Subject& subject, const BenchOptions& options, Run& run)
      : subject_(subject), options_(options), run_(run) {
    if (options.cold) flush_.emplace(run);
    for (const BenchCell& cell : cells) progress_.cells.push_back(predicted(cell, subject, run));
    peak_ = options.peak_gflops ? *options.peak_gflops : peak_now();
    shapes_ = std::ssize(groups());
    const BenchFiles& files = options.files;
    if (files.resume) load_progress(progress_, files.journal, files.identity);
    before_ = progress_.seconds + options.spent_seconds;
  }

  BenchResult run() {
    while (!run_.stopped()) {
      const std::vector<Group> left = groups();
      if (left.empty()) break;
      run_group(left.front());
      if (run_.progress != nullptr && !run_.stopped())
        run_.progress->advance("shapes", shapes_ - std::ssize(left) + 1, shapes_);
    }
    BenchResult result;
    result.level = subject_.level();
    result.subject = subject_.name();
    result.cells = std::move(progress_.cells);
    result.warnings = options_.warnings;
    conclude(result, std::move(progress_.peaks), options_.references, options_.seed);
    const std::optional<int64_t> throttled = throttle_count();
    if (throttled && throttled_ && *throttled > *throttled_) {
      result.warnings.push_back({"throttling", "cores were slowed down for heat while this ran"});
    }
    return result;
  }

 private:
  // What decides over budgets should not be a moment when others had the machine.
  double peak_now() const {
    constexpr int kTries = 10;
    double best = 0;
    for (int i = 0; i < kTries; ++i) best = std::max(best, measure_peak_gflops(run_.threads));
    return best;
  }

  double seconds() const {
    return before_ + std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

  // Of what is left to do, in what is left of the budget.
  std::vector<Group> groups() {
    const double left = std::max(0.0, options_.budget_seconds - seconds());
    return share_out(progress_.cells, subject_, left, peak_, run_.threads);
  }

  void run_group(const Group& group) {
    const RoundPeaks found = run_shape(group, subject_, options_.seed, flush_ ? &*flush_ : nullptr, run_);
    for (const auto& [products, rounds] : found) {
      std::vector<double>& peaks =
          progress_.peaks[{.threads = group.timed.front().threads, .products = products}];
      peaks.insert(peaks.end(), rounds.begin(), rounds.end());
    }
    progress_.seconds = seconds();
    if (run_.stopped() || options_.files.journal.empty()) return;
    save_progress(progress_, options_.files.journal, options_.files.identity);
  }

  const Subject& subject_;
  BenchOptions options_;
  Run& run_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::optional<int64_t> throttled_ = throttle_count();
  double before_ = 0;  ///< seconds of the budget that were used when this began
  double peak_ = 0;    ///< GFLOP/s of all threads
  int64_t shapes_ = 0;
  BenchProgress progress_;
  std::optional<CacheFlush> flush_;
};

}  // namespace

void discard(const BenchFiles& files) {
  if (!files.journal.empty()) ::unlink(files.journal.c_str());
}

BenchResult bench(const std::vector<BenchCell>& cells, const Subject& subject, const BenchOptions& options,
                  Run& run) {
  return Bench(cells, subject, options, run).run();
}

}  // namespace linformer
