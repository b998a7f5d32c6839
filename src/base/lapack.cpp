// SPDX-License-Identifier: MIT
#include "base/lapack.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include "base/error.h"

namespace linformer {
namespace {

constexpr const char* kLibrary = "libopenblas.so.0";

[[noreturn]] void fail_to_load(std::string found) {
  throw Error(ErrorCode::kUnsupported,
              {.subject = kLibrary,
               .found = std::move(found),
               .expected = "OpenBLAS with LAPACK, for singular values and eigenvectors",
               .remedy = "Install the package libopenblas0"});
}

void check_info(const char* routine, int32_t info) {
  if (info == 0) return;
  throw Error(ErrorCode::kInternal, {.subject = routine,
                                     .found = fmt::format("info = {}", info),
                                     .expected = "0",
                                     .remedy = "Please report this with the command"});
}

template <class F>
F* find(void* library, const char* name) {
  void* symbol = dlsym(library, name);
  if (symbol == nullptr) fail_to_load(fmt::format("it has no symbol {}", name));
  return reinterpret_cast<F*>(symbol);
}

}  // namespace

std::string preferred_openblas_core() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return "SkylakeX";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "Haswell";
#endif
  return "";
}

const Lapack& Lapack::get() {
  static const Lapack instance;
  return instance;
}

// The library stays loaded to the end of the process: its threads cannot be unloaded safely.
Lapack::Lapack() {
  library_ = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (library_ == nullptr) {
    const char* reason = dlerror();
    fail_to_load(reason == nullptr ? "cannot be loaded" : reason);
  }
  dsyrk_ = find<Dsyrk>(library_, "dsyrk_");
  dsytrd_ = find<Dsytrd>(library_, "dsytrd_");
  dsyevd_ = find<Dsyevd>(library_, "dsyevd_");
  dsterf_ = find<Dsterf>(library_, "dsterf_");
  sgesdd_ = find<Gesdd<float>>(library_, "sgesdd_");
  dgesdd_ = find<Gesdd<double>>(library_, "dgesdd_");
  find<void(int)>(library_, "openblas_set_num_threads")(1);
}

LapackFacts Lapack::facts() const {
  static constexpr const char* kThreading[] = {"none", "pthread", "openmp"};
  const int parallel = find<int()>(library_, "openblas_get_parallel")();
  return {.config = find<const char*()>(library_, "openblas_get_config")(),
          .core = find<const char*()>(library_, "openblas_get_corename")(),
          .threading = parallel >= 0 && parallel < 3 ? kThreading[parallel] : fmt::format("{}", parallel)};
}

void Lapack::dsyrk_lower(bool transposed, int32_t n, int32_t k, double alpha, const double* a, int32_t lda,
                         double beta, double* c, int32_t ldc) const {
  dsyrk_("L", transposed ? "T" : "N", &n, &k, &alpha, a, &lda, &beta, c, &ldc, 1, 1);
}

void Lapack::dsytrd_lower(int32_t n, double* a, int32_t lda, double* d, double* e, double* tau, double* work,
                          int32_t lwork) const {
  int32_t info = 0;
  dsytrd_("L", &n, a, &lda, d, e, tau, work, &lwork, &info, 1);
  check_info("dsytrd", info);
}

int32_t Lapack::dsytrd_lwork(int32_t n) const {
  const int32_t query = -1;
  const int32_t lda = n > 0 ? n : 1;
  int32_t info = 0;
  double unused = 0;
  double best = 0;
  dsytrd_("L", &n, &unused, &lda, &unused, &unused, &unused, &best, &query, &info, 1);
  check_info("dsytrd", info);
  return static_cast<int32_t>(best);
}

void Lapack::dsyevd_lower(int32_t n, double* a, int32_t lda, double* w, double* work, int32_t* integers,
                          EigenSizes sizes) const {
  int32_t info = 0;
  dsyevd_("V", "L", &n, a, &lda, w, work, &sizes.work, integers, &sizes.integers, &info, 1, 1);
  check_info("dsyevd", info);
}

Lapack::EigenSizes Lapack::dsyevd_sizes(int32_t n) const {
  EigenSizes sizes;
  double unused = 0, work = 0;
  dsyevd_lower(n, &unused, n > 0 ? n : 1, &unused, &work, &sizes.integers, {.work = -1, .integers = -1});
  sizes.work = static_cast<int32_t>(work);
  return sizes;
}

void Lapack::dsterf(int32_t n, double* d, double* e) const {
  int32_t info = 0;
  dsterf_(&n, d, e, &info);
  check_info("dsterf", info);
}

void Lapack::gesdd_values(int32_t m, int32_t n, float* a, int32_t lda, float* s, float* work, int32_t lwork,
                          int32_t* iwork) const {
  const int32_t one = 1;
  int32_t info = 0;
  float unused = 0;
  sgesdd_("N", &m, &n, a, &lda, s, &unused, &one, &unused, &one, work, &lwork, iwork, &info, 1);
  check_info("sgesdd", info);
}

void Lapack::gesdd_values(int32_t m, int32_t n, double* a, int32_t lda, double* s, double* work,
                          int32_t lwork, int32_t* iwork) const {
  const int32_t one = 1;
  int32_t info = 0;
  double unused = 0;
  dgesdd_("N", &m, &n, a, &lda, s, &unused, &one, &unused, &one, work, &lwork, iwork, &info, 1);
  check_info("dgesdd", info);
}

template <class T>
int32_t Lapack::gesdd_lwork(int32_t m, int32_t n) const {
  T best = 0;
  T unused = 0;
  int32_t unused_integer = 0;
  gesdd_values(m, n, &unused, m > 0 ? m : 1, &unused, &best, -1, &unused_integer);
  return static_cast<int32_t>(best) + 1;  // an f32 answer may have been rounded down
}

template int32_t Lapack::gesdd_lwork<float>(int32_t, int32_t) const;
template int32_t Lapack::gesdd_lwork<double>(int32_t, int32_t) const;

}  // namespace linformer
