// SPDX-License-Identifier: MIT
#include "base/lapack.h"

#include <cmath>
#include <vector>

#include "base/error.h"
#include "catch.h"

using namespace linformer;

TEST_CASE("LAPACK says what was loaded") {
  const LapackFacts facts = Lapack::get().facts();
  CHECK(facts.config.find("OpenBLAS") != std::string::npos);
  CHECK_FALSE(facts.core.empty());
  CHECK((facts.threading == "none" || facts.threading == "pthread" || facts.threading == "openmp"));
}

TEST_CASE("the preferred core type is one that every OpenBLAS of the distributions knows") {
  const std::string core = preferred_openblas_core();
  CHECK((core.empty() || core == "Haswell" || core == "SkylakeX"));
}

TEST_CASE("dsyrk, dsytrd and dsterf find the eigenvalues of a Gram matrix") {
  const Lapack& lapack = Lapack::get();
  // Columns (1, 1) and (1, -1) scaled by 3 and 1, to LAPACK: AAᵀ has the eigenvalues 18 and 2.
  const std::vector<double> a = {3, 3, 1, -1};
  std::vector<double> c(4), d(2), e(1), tau(1);
  lapack.dsyrk_lower(false, 2, 2, 1, a.data(), 2, 0, c.data(), 2);
  CHECK(c[0] == Approx(10));
  CHECK(c[1] == Approx(8));
  std::vector<double> work(static_cast<size_t>(lapack.dsytrd_lwork(2)));
  lapack.dsytrd_lower(2, c.data(), 2, d.data(), e.data(), tau.data(), work.data(),
                      static_cast<int32_t>(work.size()));
  CHECK(d[0] == 10);  // the first unit vector is left alone
  lapack.dsterf(2, d.data(), e.data());
  CHECK(d[0] == Approx(2));
  CHECK(d[1] == Approx(18));
}

TEST_CASE("dsyevd finds eigenvalues and eigenvectors, the smallest first") {
  const Lapack& lapack = Lapack::get();
  std::vector<double> a = {10, 8, 99, 10}, w(2);  // the upper triangle is not read
  const Lapack::EigenSizes sizes = lapack.dsyevd_sizes(2);
  std::vector<double> work(static_cast<size_t>(sizes.work));
  std::vector<int32_t> integers(static_cast<size_t>(sizes.integers));
  lapack.dsyevd_lower(2, a.data(), 2, w.data(), work.data(), integers.data(), sizes);
  CHECK(w[0] == Approx(2));
  CHECK(w[1] == Approx(18));
  CHECK(a[0] == Approx(-a[1]));  // (1, -1) / sqrt(2), then (1, 1) / sqrt(2)
  CHECK(a[2] == Approx(a[3]));
  CHECK(std::abs(a[3]) == Approx(std::sqrt(0.5)));
}

TEST_CASE("gesdd works on rectangles in both precisions") {
  const auto check = [](auto zero) {
    using T = decltype(zero);
    const Lapack& lapack = Lapack::get();
    std::vector<T> a = {3, 0, 0, 0, 4, 0};  // 3 x 2, diag(3, 4)
    std::vector<T> s(2);
    std::vector<int32_t> integers(16);
    std::vector<T> work(static_cast<size_t>(lapack.gesdd_lwork<T>(3, 2)));
    lapack.gesdd_values(3, 2, a.data(), 3, s.data(), work.data(), static_cast<int32_t>(work.size()),
                        integers.data());
    CHECK(s[0] == Approx(4));
    CHECK(s[1] == Approx(3));
  };
  check(0.0f);
  check(0.0);
}

TEST_CASE("a NaN given to LAPACK's tridiagonal solver is an error, not a number") {
  std::vector<double> d = {1, std::nan(""), 3};
  std::vector<double> e = {1, 1};
  try {
    Lapack::get().dsterf(3, d.data(), e.data());
    for (const double value : d) CHECK(std::isnan(value));  // some versions let it through
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kInternal);
  }
}

TEST_CASE("dgemm multiplies matrices and their transposes, column by column") {
  const std::vector<double> a = {1, 2, 3, 4, 5, 6};  // 2 x 3 or, transposed, 3 x 2
  const std::vector<double> b = {1, 0, 2, 0, 1, 1};  // 3 x 2
  std::vector<double> c = {1, 1, 1, 1};
  Lapack::get().dgemm(false, false, 2, 2, 3, 2, a.data(), 2, b.data(), 3, 10, c.data(), 2);
  CHECK(c == std::vector<double>{32, 38, 26, 30});
  std::vector<double> products(9);
  Lapack::get().dgemm(true, true, 3, 3, 2, 1, a.data(), 2, b.data(), 3, 0, products.data(), 3);
  CHECK(products == std::vector<double>{1, 3, 5, 2, 4, 6, 4, 10, 16});
}

TEST_CASE("dsyevd and dsygvd find eigenvectors, those of a pencil by its second matrix") {
  const Lapack& lapack = Lapack::get();
  std::vector<double> a = {2, 1, 99, 2}, w(2);  // the upper triangle is not read
  lapack.dsyevd_lower(2, a.data(), 2, w.data());
  CHECK(w[0] == Approx(1));
  CHECK(w[1] == Approx(3));
  CHECK(std::abs(a[2]) == Approx(std::sqrt(0.5)));
  CHECK(a[2] == Approx(a[3]));

  std::vector<double> c = {8, 0, 0, 3}, b = {4, 0, 0, 1};
  lapack.dsygvd_lower(2, c.data(), 2, b.data(), 2, w.data());
  CHECK(w[0] == Approx(2));
  CHECK(w[1] == Approx(3));
  CHECK(std::abs(c[0]) == Approx(0.5));  // 4 x² = 1
  CHECK(std::abs(c[3]) == Approx(1));
}

TEST_CASE("dposv solves for a positive definite matrix and refuses another") {
  const Lapack& lapack = Lapack::get();
  std::vector<double> a = {4, 2, 99, 3}, b = {8, 8};
  lapack.dposv_lower(2, 1, a.data(), 2, b.data(), 2);
  CHECK(b[0] == Approx(1));
  CHECK(b[1] == Approx(2));
  std::vector<double> indefinite = {1, 2, 2, 1};
  try {
    lapack.dposv_lower(2, 1, indefinite.data(), 2, b.data(), 2);
    FAIL("it was taken");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kInternal);
  }
}
