// SPDX-License-Identifier: MIT
#include "spectrum/singular_values.h"

#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <tuple>
#include <vector>

#include "base/random.h"
#include "catch.h"
#include "kernels/every_target.h"
#include "spectrum/matrices.h"

using namespace linformer;
using namespace linformer::testing;

namespace {

struct Spectra {
  std::vector<double> values, centred;
};

Spectra spectra_of(std::string_view method, const Matrix& p, bool centred = true) {
  MemoryAccount memory;
  Run run{.memory = memory};
  const auto m = make_singular_values(method);
  const auto count = static_cast<size_t>(std::min(p.rows, p.cols));
  Spectra s{std::vector<double>(count, -1), std::vector<double>(centred ? count : 0, -1)};
  const SpectrumTask task{p.view(), s.values, s.centred};
  m->compute({&task, 1}, run);
  return s;
}

double worst_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

double sum(const std::vector<double>& a) { return std::accumulate(a.begin(), a.end(), 0.0); }

// Both methods against f64 LAPACK, in units of the allowed difference.
void check_against_oracle(const std::string& name, const Matrix& p) {
  const Spectra exact = spectra_of("gesdd-f64", p);
  const double top = exact.values.empty() ? 0 : exact.values[0];
  for (const auto& [method, allowed] :
       {std::pair{"fast", 2e-6}, std::pair{"gram", 2e-6}, std::pair{"gesdd", 1e-5}}) {
    INFO(method << " on " << name << " [" << p.rows << ", " << p.cols << "]");
    const Spectra s = spectra_of(method, p);
    // sgesdd underflows at 1e-38; nothing else needs the second term
    const double bound = allowed * top + (method == std::string("gesdd") ? 1e-37 : 0);
    CHECK(worst_difference(s.values, exact.values) <= bound);
    CHECK(worst_difference(s.centred, exact.centred) <= bound);
    CHECK(std::is_sorted(s.values.rbegin(), s.values.rend()));
    CHECK(std::is_sorted(s.centred.rbegin(), s.centred.rend()));
    CHECK((s.values.empty() || s.values.back() >= 0));
    const Spectra alone = spectra_of(method, p, false);
    CHECK(worst_difference(alone.values, exact.values) <= bound);
  }
}

Spectra check_fast(const Matrix& p, const Spectra& exact, bool centred = true) {
  Spectra ours = spectra_of("fast", p, centred);
  CHECK(worst_difference(ours.values, exact.values) <= 2e-6 * exact.values[0]);
  if (centred) CHECK(worst_difference(ours.centred, exact.centred) <= 2e-6 * exact.values[0]);
  return ours;
}

void check_larger(int64_t n) {
  for (const double scale : {0.05, 1.0, 4.0, 20.0})
    check_against_oracle("gaussian", gaussian_attention(n, n, scale, false, 9));
  check_against_oracle("causal", gaussian_attention(n, n, 2, true, 9));
  check_against_oracle("uniform", fill(n, n, [=](int64_t, int64_t) { return 1.0 / double(n); }));
  check_against_oracle("clustered", clustered(n, n, 9));
}

}  // namespace

TEST_CASE("fast, gram and gesdd agree with LAPACK in f64 on square matrices of every size to 40") {
  for (int64_t n = 1; n <= 40; ++n)
    for (const auto& [name, p] : zoo(n, n)) check_against_oracle(name, p);
}

TEST_CASE("fast, gram and gesdd agree with LAPACK in f64 on rectangles, wide and tall") {
  for (const auto& [rows, cols] : {std::pair<int64_t, int64_t>{1, 7},
                                   {7, 1},
                                   {2, 3},
                                   {3, 2},
                                   {5, 40},
                                   {40, 5},
                                   {39, 40},
                                   {40, 39},
                                   {64, 300},
                                   {300, 64},
                                   {17, 513},
                                   {513, 17}})
    for (const auto& [name, p] : zoo(rows, cols)) check_against_oracle(name, p);
}

TEST_CASE("fast, gram and gesdd agree with LAPACK in f64 on larger matrices") {
  for (const int64_t n : {64, 77, 128}) check_larger(n);
}

TEST_CASE("fast, gram and gesdd agree with LAPACK in f64 on matrices of hundreds of rows", "[large]") {
  for (const int64_t n : {197, 256, 300}) check_larger(n);
}

TEST_CASE("fast keeps its promise at every size to 130, and its sums are within 1e-5", "[large]") {
  for (int64_t n = 1; n <= 130; ++n) {
    for (const Matrix& p : {gaussian_attention(n, n, 1 + static_cast<double>(n % 5), n % 2 == 1, 11),
                            fill(n, n, [=](int64_t i, int64_t j) { return (i + 17) % n == j; })}) {
      INFO("n = " << n);
      const Spectra exact = spectra_of("gesdd-f64", p), ours = check_fast(p, exact);
      CHECK(sum(ours.values) == Approx(sum(exact.values)).epsilon(1e-5));
    }
  }
}

// Where all singular values are equal, the errors of many reflectors add up.
TEST_CASE("fast keeps its promise where rounding errors could add up", "[large]") {
  for (const auto& [rows, cols] :
       {std::pair<int64_t, int64_t>{512, 512}, {512, 100}, {100, 512}, {1100, 1100}}) {
    const int64_t n = cols;
    for (const auto& [name, p] :
         {std::pair{"permutation",
                    fill(rows, cols, [=](int64_t i, int64_t j) { return (i * 7 + 17) % n == j; })},
          std::pair{"near the identity",
                    fill(rows, cols, [=](int64_t i, int64_t j) { return (i == j) * 0.9 + 0.1 / double(n); })},
          std::pair{
              "half the identity",
              fill(rows, cols, [=](int64_t i, int64_t j) { return (i == j) * 0.45 + 0.55 / double(n); })},
          std::pair{"clustered", clustered(rows, cols, 9)},
          std::pair{"one-hot rows", fill(rows, cols, [=](int64_t i, int64_t j) { return i * i % n == j; })},
          std::pair{"uniform", fill(rows, cols, [=](int64_t, int64_t) { return 1 / double(n); })}}) {
      INFO(name << " [" << rows << ", " << cols << "]");
      const Spectra exact = spectra_of("gesdd-f64", p), ours = check_fast(p, exact);
      CHECK(sum(ours.values) == Approx(sum(exact.values)).epsilon(1e-5));
    }
  }
}

// Entries that are equal are rounded alike, and what is rounded alike adds up.
TEST_CASE("fast keeps its promise on a permutation beside one value everywhere else, centred or not") {
  for (const int64_t n : {40, 56, 64, 96, 130, 256}) {
    for (const double logit : {3.0, 5.0, 7.0}) {
      const double rest = 1 / (std::exp(logit) + static_cast<double>(n - 1));
      const Matrix p = fill(
          n, n, [=](int64_t i, int64_t j) { return (i * 11 + 5) % n == j ? std::exp(logit) * rest : rest; });
      const Spectra exact = spectra_of("gesdd-f64", p);
      for (const bool centred : {false, true}) {
        CAPTURE(n, logit, centred);
        check_fast(p, exact, centred);
      }
    }
  }
}

TEST_CASE("fast keeps its promise on rows that are all alike beside others, centred or not") {
  for (const auto& [rows, cols, apart] : {std::tuple<int64_t, int64_t, int64_t>{64, 64, 20},
                                          {128, 128, 40},
                                          {256, 256, 51},
                                          {256, 256, 200},
                                          {256, 128, 40},
                                          {128, 256, 40},
                                          {300, 200, 12}}) {
    const double rest = 1 / static_cast<double>(cols - apart);
    const std::pair<const char*, Matrix> all[] = {
        {"a permutation beside a constant block", fill(rows, cols,
                                                       [=, a = apart](int64_t i, int64_t j) {
                                                         if (i < a) return (i * 7 + 3) % a == j ? 1.0 : 0.0;
                                                         return j < a ? 0.0 : rest;
                                                       })},
        {"rows from one-hot to uniform", fill(rows, cols, [c = cols](int64_t i, int64_t j) {
           const double flat = 1 - std::pow(10.0, -0.5 * static_cast<double>(i));
           return flat / static_cast<double>(c) + (i * 37 % c == j ? 1 - flat : 0.0);
         })}};
    for (const auto& [name, p] : all) {
      const Spectra exact = spectra_of("gesdd-f64", p);
      for (const bool centred : {false, true}) {
        CAPTURE(name, rows, cols, apart, centred);
        check_fast(p, exact, centred);
      }
    }
  }
}

// Many singular values are exactly equal, or 0.
TEST_CASE("fast keeps its promise on rows that are one-hot at random") {
  for (const int64_t n : {33, 48, 100}) {
    for (uint64_t seed = 0; seed < 40; ++seed) {
      Random random({.seed = seed, .purpose = 5, .index = static_cast<uint64_t>(n)});
      std::vector<int64_t> at;
      for (int64_t i = 0; i < n; ++i)
        at.push_back(static_cast<int64_t>(random.uniform() * static_cast<float>(n)) % n);
      const Matrix p = fill(n, n, [&](int64_t i, int64_t j) { return at[static_cast<size_t>(i)] == j; });
      const Spectra exact = spectra_of("gesdd-f64", p);
      for (const bool centred : {false, true}) {
        CAPTURE(n, seed, centred);
        check_fast(p, exact, centred);
      }
    }
  }
}

TEST_CASE("the oracle itself knows spectra that are known") {
  for (const char* method : {"gesdd-f64", "gesdd", "gram", "fast"}) {
    INFO(method);
    const Spectra identity = spectra_of(method, fill(9, 9, [](int64_t i, int64_t j) { return i == j; }));
    for (const double value : identity.values) CHECK(value == Approx(1).epsilon(1e-6));
    for (size_t m = 0; m < 8; ++m) CHECK(identity.centred[m] == Approx(1).epsilon(1e-6));
    CHECK(identity.centred[8] == Approx(0).margin(1e-6));
    const Spectra column = spectra_of(method, fill(9, 4, [](int64_t, int64_t j) { return j == 2; }));
    CHECK(column.values[0] == Approx(3).epsilon(1e-6));
    CHECK(column.values[1] == Approx(0).margin(1e-6));
    CHECK(column.centred[0] == Approx(0).margin(1e-6));
    const Spectra diagonal = spectra_of(
        method, fill(3, 5, [](int64_t i, int64_t j) { return i == j ? double(i + 1) : 0.0; }), false);
    CHECK(worst_difference(diagonal.values, {3, 2, 1}) < 1e-5);
  }
}

TEST_CASE("the squares of the singular values sum to the squared Frobenius norm") {
  for (const auto& [name, p] : zoo(50, 61)) {
    double squares = 0;
    for (int64_t i = 0; i < p.rows; ++i)
      for (int64_t j = 0; j < p.cols; ++j) squares += std::pow(static_cast<double>(p.at(i, j)), 2);
    for (const char* method : {"gram", "gesdd-f64"}) {
      INFO(method << " " << name);
      const Spectra s = spectra_of(method, p);
      const double sum = std::inner_product(s.values.begin(), s.values.end(), s.values.begin(), 0.0);
      CHECK(sum == Approx(squares).epsilon(1e-12));
    }
  }
}

TEST_CASE("values do not depend on threads, on grouping or on what was computed before") {
  for (const char* name : {"fast", "gram", "gesdd", "gesdd-f64"}) {
    INFO(name);
    std::vector<Matrix> matrices;
    for (int64_t n = 3; n < 70; n += 6)
      matrices.push_back(gaussian_attention(n, 80 - n, 2, false, static_cast<uint64_t>(n)));
    for (uint64_t i = 0; i < 37; ++i) {  // groups that are full, and one that is not
      matrices.push_back(gaussian_attention(20, 20, 0.1 * static_cast<double>(i), i % 2 == 1, i));
    }
    for (int64_t i = 0; i < 100; ++i) {  // flat spectra of three sizes among others, more of one than a group
      const int64_t n = i % 8 == 3 ? 80 : 96, rows = i % 8 == 4 ? 2 * n : n;
      matrices.push_back(
          fill(rows, n, [=](int64_t r, int64_t c) { return (r * 7 + i) % n == c ? 1 : 1e-6; }));
      if (i % 5 == 0) matrices.push_back(gaussian_attention(n, n, 1, false, 60));
    }
    std::vector<std::vector<double>> results[2];
    for (const int threads : {1, 2}) {
      MemoryAccount memory;
      const auto method = make_singular_values(name);
      Run run{.memory = memory, .threads = threads};
      auto& out = results[threads - 1];
      for (const Matrix& p : matrices)
        out.insert(out.end(), 2, std::vector<double>(static_cast<size_t>(std::min(p.rows, p.cols))));
      std::vector<SpectrumTask> tasks;
      for (size_t i = 0; i < matrices.size(); ++i)
        tasks.push_back({matrices[i].view(), out[2 * i], out[2 * i + 1]});
      const std::span<const SpectrumTask> all = tasks;
      if (threads == 1) {
        for (size_t i = all.size(); i-- > 0;) method->compute(all.subspan(i, 1), run);
      } else {
        method->compute(all, run);
      }
    }
    CHECK(results[0] == results[1]);
  }
}

TEST_CASE("workspaces are counted, kept, and as large as announced") {
  const Matrix p = gaussian_attention(60, 45, 1, false, 1);
  for (const char* name : {"fast", "gram", "gesdd", "gesdd-f64"}) {
    INFO(name);
    MemoryAccount memory;
    Run run{.memory = memory};
    const auto method = make_singular_values(name);
    std::vector<double> values(45), centred(45);
    const SpectrumTask task{p.view(), values, centred};
    method->compute({&task, 1}, run);
    const int64_t held = memory.current_bytes();
    // fast keeps as much again for flat spectra, which this is not.
    CHECK(held <= method->workspace_bytes(60, 45));
    CHECK(3 * held > method->workspace_bytes(60, 45));
    method->compute({&task, 1}, run);
    CHECK(memory.current_bytes() == held);
    CHECK(memory.peak_bytes() == held);
  }
}

TEST_CASE("flat spectra fit into the workspace that is announced, centred or not") {
  for (const auto& [rows, centred] : {std::pair{int64_t{96}, size_t{0}}, {96, 96}, {192, 96}}) {
    const Matrix p = fill(rows, 96, [](int64_t i, int64_t j) { return (i * 7) % 96 == j; });
    MemoryAccount memory;
    Run run{.memory = memory};
    const auto method = make_singular_values("fast");
    std::vector<Spectra> spectra(70, {std::vector<double>(96), std::vector<double>(centred)});
    std::vector<SpectrumTask> tasks;
    for (Spectra& s : spectra) tasks.push_back({p.view(), s.values, s.centred});
    method->compute(tasks, run);
    CHECK(memory.peak_bytes() == method->workspace_bytes(rows, 96));
    for (const Spectra& s : spectra) {
      CHECK(s.values == spectra[0].values);
      CHECK(s.centred == spectra[0].centred);
    }
    CHECK(spectra[0].values.back() == Approx(spectra[0].values.front()).epsilon(2e-6));
  }
}

TEST_CASE("subnormal numbers count after a call as they did before") {
  const Matrix p = gaussian_attention(40, 40, 3, false, 1);
  for (const char* method : {"fast", "gram", "gesdd", "gesdd-f64"}) {
    INFO(method);
    spectra_of(method, p);
    volatile float tiny = 1e-39f, half = 0.5f;
    CHECK(tiny * half > 0);
  }
}

TEST_CASE("too little memory is refused") {
  MemoryAccount memory(1000);
  Run run{.memory = memory};
  const Matrix p = gaussian_attention(60, 60, 1, false, 1);
  std::vector<double> values(60);
  const SpectrumTask task{p.view(), values, {}};
  try {
    make_singular_values("gram")->compute({&task, 1}, run);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kMemory);
  }
}

TEST_CASE("an entry that is not finite is named by task, row and column, and nothing is written") {
  const Matrix good = gaussian_attention(8, 8, 1, false, 1);
  Matrix bad = good;
  bad.at(5, 2) = -std::numeric_limits<float>::infinity();
  bad.at(6, 1) = std::nanf("");
  Matrix worse = good;
  worse.at(0, 0) = std::nanf("");
  for (const char* name : {"fast", "gram", "gesdd", "gesdd-f64"})
    for (const int threads : {1, 2}) {
      MemoryAccount memory;
      Run run{.memory = memory, .threads = threads};
      std::vector<double> values(24, -7);
      const std::span<double> out = values;
      const SpectrumTask tasks[] = {{good.view(), out.subspan(0, 8), {}},
                                    {bad.view(), out.subspan(8, 8), {}},
                                    {worse.view(), out.subspan(16, 8), {}}};
      try {
        make_singular_values(name)->compute(tasks, run);
        FAIL("no error");
      } catch (const NonFiniteEntry& error) {
        CHECK(error.code() == ErrorCode::kInput);
        CHECK(error.task() == 1);
        CHECK(error.row() == 5);
        CHECK(std::string(error.what()).find("row 5, column 2") != std::string::npos);
      }
      CHECK(values == std::vector<double>(24, -7));
    }
}

TEST_CASE("spans of a wrong size and unknown methods are errors, empty matrices are not") {
  MemoryAccount memory;
  Run run{.memory = memory};
  const auto method = make_singular_values("gram");
  const Matrix p = gaussian_attention(4, 6, 1, false, 1);
  std::vector<double> values(5);
  SpectrumTask task{p.view(), values, {}};
  CHECK_THROWS_AS(method->compute({&task, 1}, run), Error);
  task.values = task.values.first(4);
  task.centred = std::span(values).first(3);
  CHECK_THROWS_AS(method->compute({&task, 1}, run), Error);
  task = {{nullptr, 0, 5, 5}, {}, {}};
  CHECK_NOTHROW(method->compute({&task, 1}, run));
  CHECK_NOTHROW(method->compute({}, run));
  CHECK_THROWS_AS(make_singular_values("jacobi"), Error);
}

TEST_CASE("fast keeps its promise by every instruction set, in groups of any size") {
  on_every_target([] {
    MemoryAccount memory;
    Run run{.memory = memory, .threads = 2};
    std::vector<Matrix> matrices;
    for (uint64_t i = 0; i < 37; ++i) matrices.push_back(gaussian_attention(50, 50, 2, i % 2 == 1, i));
    matrices.push_back(fill(50, 50, [](int64_t i, int64_t j) { return j == (i + 7) % 50; }));
    matrices.push_back(fill(50, 50, [](int64_t, int64_t) { return 0.0; }));
    std::vector<Spectra> ours(matrices.size(), {std::vector<double>(50), std::vector<double>(50)});
    std::vector<SpectrumTask> tasks;
    for (size_t i = 0; i < matrices.size(); ++i) {
      tasks.push_back({matrices[i].view(), ours[i].values, ours[i].centred});
    }
    make_singular_values("fast")->compute(tasks, run);
    for (size_t i = 0; i < matrices.size(); ++i) {
      const Spectra exact = spectra_of("gesdd-f64", matrices[i]);
      INFO("matrix " << i);
      CHECK(worst_difference(ours[i].values, exact.values) <= 2e-6 * exact.values[0]);
      CHECK(worst_difference(ours[i].centred, exact.centred) <= 2e-6 * exact.values[0]);
    }
  });
}

TEST_CASE("fast takes entries of any size, and denormal ones") {
  for (const double size : {1e-42, 1e-30, 1e30, 3e38}) {
    for (const auto& [rows, cols] : {std::pair<int64_t, int64_t>{40, 33}, {33, 40}, {40, 40}}) {
      INFO(size << ", " << rows << " x " << cols);
      const Matrix p = fill(rows, cols, [=](int64_t i, int64_t j) {
        return size * (i == j ? 1.0 : static_cast<double>((i + j) % 3) * 0.1);
      });
      check_fast(p, spectra_of("gesdd-f64", p));
    }
  }
}
