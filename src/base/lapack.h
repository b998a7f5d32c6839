// SPDX-License-Identifier: MIT
// OpenBLAS through LAPACK's own symbols. It is loaded at first use, because it reads OPENBLAS_* when it is
// loaded: the program clears or sets those before. No other file names the library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace linformer {

/// What was loaded; part of every report that used it.
struct LapackFacts {
  std::string config;     ///< openblas_get_config(): version and build options
  std::string core;       ///< openblas_get_corename(): the kernels in use
  std::string threading;  ///< "none", "pthread" or "openmp"
};

/// The value of OPENBLAS_CORETYPE that suits this machine, for the program to set before the first use:
/// "SkylakeX" with AVX-512, "Haswell" with AVX2, else "" (leave it unset). Left to itself OpenBLAS 0.3.21
/// takes "Prescott" (SSE3, several times slower) on any Intel model newer than itself.
std::string preferred_openblas_core();

/// The routines used here, column-major as LAPACK defines them, sizes and leading dimensions as 32-bit
/// integers. All of them may be called from several threads at once; each call uses one thread. A wrong
/// argument or a failure to converge (info != 0) throws Error(kInternal) that names the routine.
class Lapack {
 public:
  /// The library, loaded by the first call in the process (thread-safe). Throws Error(kUnsupported) if it or
  /// one of the routines is missing; a later call tries again.
  static const Lapack& get();

  LapackFacts facts() const;

  /// The lower triangle of C[n, n] becomes alpha A Aᵀ + beta C for A[n, k] (`transposed`: alpha Aᵀ A + beta C
  /// for A[k, n]).
  void dsyrk_lower(bool transposed, int32_t n, int32_t k, double alpha, const double* a, int32_t lda,
                   double beta, double* c, int32_t ldc) const;

  /// C[m, n] = alpha op(A) op(B) + beta C, op(A) [m, k] and op(B) [k, n]; `transposed`: op is the transpose.
  void dgemm(bool a_transposed, bool b_transposed, int32_t m, int32_t n, int32_t k, double alpha,
             const double* a, int32_t lda, const double* b, int32_t ldb, double beta, double* c,
             int32_t ldc) const;

  /// Eigenvalues and eigenvectors likewise of A x = w B x, B positive definite, given by its lower triangle
  /// and overwritten; xᵀBx = 1.
  void dsygvd_lower(int32_t n, double* a, int32_t lda, double* b, int32_t ldb, double* w) const;

  /// Solves A X = B for the positive definite A[n, n], given by its lower triangle and overwritten; B[n, m]
  /// becomes X.
  void dposv_lower(int32_t n, int32_t m, double* a, int32_t lda, double* b, int32_t ldb) const;

  /// Reduces the symmetric A[n, n], given by its lower triangle and overwritten, to T = Qᵀ A Q with diagonal
  /// d[n] and subdiagonal e[n − 1]. Q leaves the first unit vector fixed. tau[n − 1] and work[lwork] are
  /// scratch.
  void dsytrd_lower(int32_t n, double* a, int32_t lda, double* d, double* e, double* tau, double* work,
                    int32_t lwork) const;
  /// The best lwork for dsytrd_lower.
  int32_t dsytrd_lwork(int32_t n) const;

  /// Eigenvalues, ascending in w[n], and eigenvectors of the symmetric A[n, n], given by its lower triangle:
  /// column i of A becomes that of w[i], of length 1. `sizes` as dsyevd_sizes(n) says.
  struct EigenSizes {
    int32_t work = 0, integers = 0;
  };
  void dsyevd_lower(int32_t n, double* a, int32_t lda, double* w, double* work, int32_t* integers,
                    EigenSizes sizes) const;
  EigenSizes dsyevd_sizes(int32_t n) const;
  /// The same in memory of its own.
  void dsyevd_lower(int32_t n, double* a, int32_t lda, double* w) const;

  /// Eigenvalues, ascending in d[n], of the symmetric tridiagonal matrix (d, e); e[n − 1] is overwritten.
  void dsterf(int32_t n, double* d, double* e) const;

  /// Singular values of A[m, n], overwritten, descending in s[min(m, n)]. iwork has 8 min(m, n) elements.
  void gesdd_values(int32_t m, int32_t n, float* a, int32_t lda, float* s, float* work, int32_t lwork,
                    int32_t* iwork) const;
  void gesdd_values(int32_t m, int32_t n, double* a, int32_t lda, double* s, double* work, int32_t lwork,
                    int32_t* iwork) const;
  /// The best lwork for gesdd_values; T is float or double.
  template <class T>
  int32_t gesdd_lwork(int32_t m, int32_t n) const;

 private:
  Lapack();

  // Fortran passes everything by address, then the length of each character argument by value.
  template <class T>
  using Gesdd = void(const char* jobz, const int32_t* m, const int32_t* n, T* a, const int32_t* lda, T* s,
                     T* u, const int32_t* ldu, T* vt, const int32_t* ldvt, T* work, const int32_t* lwork,
                     int32_t* iwork, int32_t* info, size_t jobz_length);
  using Dsyrk = void(const char* uplo, const char* trans, const int32_t* n, const int32_t* k,
                     const double* alpha, const double* a, const int32_t* lda, const double* beta, double* c,
                     const int32_t* ldc, size_t uplo_length, size_t trans_length);
  using Dsytrd = void(const char* uplo, const int32_t* n, double* a, const int32_t* lda, double* d, double* e,
                      double* tau, double* work, const int32_t* lwork, int32_t* info, size_t uplo_length);
  using Dsterf = void(const int32_t* n, double* d, double* e, int32_t* info);
  using Dgemm = void(const char* transa, const char* transb, const int32_t* m, const int32_t* n,
                     const int32_t* k, const double* alpha, const double* a, const int32_t* lda,
                     const double* b, const int32_t* ldb, const double* beta, double* c, const int32_t* ldc,
                     size_t transa_length, size_t transb_length);
  using Dsyevd = void(const char* jobz, const char* uplo, const int32_t* n, double* a, const int32_t* lda,
                      double* w, double* work, const int32_t* lwork, int32_t* iwork, const int32_t* liwork,
                      int32_t* info, size_t jobz_length, size_t uplo_length);
  using Dsygvd = void(const int32_t* itype, const char* jobz, const char* uplo, const int32_t* n, double* a,
                      const int32_t* lda, double* b, const int32_t* ldb, double* w, double* work,
                      const int32_t* lwork, int32_t* iwork, const int32_t* liwork, int32_t* info,
                      size_t jobz_length, size_t uplo_length);
  using Dposv = void(const char* uplo, const int32_t* n, const int32_t* nrhs, double* a, const int32_t* lda,
                     double* b, const int32_t* ldb, int32_t* info, size_t uplo_length);

  void* library_ = nullptr;
  Dsyrk* dsyrk_ = nullptr;
  Dsytrd* dsytrd_ = nullptr;
  Dsterf* dsterf_ = nullptr;
  Dgemm* dgemm_ = nullptr;
  Dsyevd* dsyevd_ = nullptr;
  Dsygvd* dsygvd_ = nullptr;
  Dposv* dposv_ = nullptr;
  Gesdd<float>* sgesdd_ = nullptr;
  Gesdd<double>* dgesdd_ = nullptr;
};

}  // namespace linformer
