// SPDX-License-Identifier: MIT
// --verify: spectra computed again in f64, and what becomes of the largest difference.
#include <algorithm>
#include <cmath>

#include "catch.h"
#include "made_source.h"

namespace linformer {
namespace {

using testing::analyse;
using testing::MadeSource;
using testing::Matrix;

struct Spectra {
  std::vector<double> values, centred;
};

Spectra spectra_of(const char* method, const Matrix& p) {
  MemoryAccount memory;
  Run run{.memory = memory};
  const auto n = static_cast<size_t>(p.rows);
  Spectra s{std::vector<double>(n), std::vector<double>(n)};
  const SpectrumTask task{.matrix = p.view(), .values = s.values, .centred = s.centred};
  make_singular_values(method)->compute({&task, 1}, run);
  return s;
}

// max |σ_i(f32) − σ_i(f64)| / σ₁ over the heads of a source of one sequence.
struct Errors {
  double values = 0, centred = 0, logits = 0;
};

Errors errors_of(const MadeSource& source) {
  const auto difference = [](const std::vector<double>& a, const std::vector<double>& b, double sigma1) {
    double largest = 0;
    for (size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]) / sigma1);
    return largest;
  };
  Errors errors;
  for (int64_t layer : {0, 1}) {
    for (int64_t head : {0, 1}) {
      const Matrix p = source.probabilities(0, layer, head), logits = source.logits(0, layer, head);
      const Spectra f32 = spectra_of("gesdd", p), f64 = spectra_of("gesdd-f64", p);
      errors.values = std::max(errors.values, difference(f32.values, f64.values, f64.values[0]));
      errors.centred = std::max(errors.centred, difference(f32.centred, f64.centred, f64.values[0]));
      const Spectra l32 = spectra_of("gesdd", logits), l64 = spectra_of("gesdd-f64", logits);
      errors.logits = std::max(errors.logits, difference(l32.values, l64.values, l64.values[0]));
    }
  }
  return errors;
}

SpectrumChecks checks_of(MadeSource& source, bool centred, bool logits) {
  return analyse(source,
                 {.method = "gesdd", .controls = {}, .centred = centred, .logits = logits, .verify = 1})
      .checks;
}

// The first source whose errors are as `wanted`; which one depends on the rounding of LAPACK.
template <class Wanted>
MadeSource source_where(const Wanted& wanted) {
  for (int64_t n = 8; n < 64; ++n) {
    MadeSource source({n}, {0});
    source.change().has_logits = true;
    if (wanted(errors_of(source))) return source;
  }
  FAIL("no such source");
  return MadeSource({8}, {0});
}

}  // namespace

TEST_CASE("the centred spectrum is verified as P's own is") {
  MadeSource source = source_where([](const Errors& e) { return e.centred > 1.01 * e.values; });
  const Errors errors = errors_of(source);
  CHECK(checks_of(source, false, false).largest_verified_error == Approx(errors.values).epsilon(1e-6));
  const SpectrumChecks checks = checks_of(source, true, false);
  CHECK(checks.largest_verified_error == Approx(errors.centred).epsilon(1e-6));
  CHECK(checks.verified == 4);
  CHECK(checks.passed);
}

TEST_CASE("the spectrum of the logits is verified where it is wanted") {
  MadeSource source = source_where([](const Errors& e) { return e.logits > 1.01 * e.values; });
  const Errors errors = errors_of(source);
  const SpectrumChecks checks = checks_of(source, false, true);
  CHECK(checks.largest_verified_error == Approx(errors.logits).epsilon(1e-6));
  CHECK(checks.verified == 8);
  CHECK(checks.matrices == 4);
}

TEST_CASE("nothing is verified where no share is asked for") {
  MadeSource source({16, 16}, {0, 1});
  CHECK(analyse(source, {.controls = {}, .verify = 0}).checks.verified == 0);
}

}  // namespace linformer
