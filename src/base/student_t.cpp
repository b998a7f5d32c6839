// SPDX-License-Identifier: MIT
#include "base/student_t.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "base/error.h"

namespace linformer {
namespace {

// a B(a, b) I_x(a, b) / (x^a (1 − x)^b) = 1/(1 + d₁/(1 + d₂/(1 + …))): DLMF 8.17.22, evaluated by Lentz's
// method (Thompson and Barnett 1986). Fast for x < (a + 1)/(a + b + 2). a, b > 0.
double beta_fraction(double x, double a, double b) {
  constexpr double kTiny = 1e-300;
  double fraction = 1;
  double c = 1;
  double d = 0;
  for (int i = 1; i < 100000; ++i) {
    const int half = i / 2;
    const double m = half;
    const double term = i % 2 == 0 ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
                                   : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 + term * d;
    d = 1 / (std::abs(d) < kTiny ? kTiny : d);
    c = 1 + term / c;
    if (std::abs(c) < kTiny) c = kTiny;
    fraction *= c * d;
    if (std::abs(c * d - 1) < 1e-15) break;
  }
  return 1 / fraction;
}

// I_x(a, b), the regularised incomplete beta function, y = 1 − x.
double incomplete_beta(double x, double y, double a, double b) {
  if (x <= 0) return 0;
  if (y <= 0) return 1;
  const double front =
      std::exp(a * std::log(x) + b * std::log(y) + std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b));
  if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(x, a, b) / a;
  return 1 - front * beta_fraction(y, b, a) / b;
}

// P(T > t), t >= 0.
double upper_tail(double t, double freedom) {
  const double whole = freedom + t * t;
  return incomplete_beta(freedom / whole, t * t / whole, freedom / 2, 0.5) / 2;
}

double density(double t, double freedom) {
  const double log_constant = std::lgamma((freedom + 1) / 2) - std::lgamma(freedom / 2);
  return std::exp(log_constant - (freedom + 1) / 2 * std::log1p(t * t / freedom)) /
         std::sqrt(freedom * std::numbers::pi);
}

}  // namespace

double student_t_quantile(double p, double freedom) {
  if (!(p > 0 && p < 1 && freedom >= 1))
    throw Error(ErrorCode::kInternal, {.subject = "student_t_quantile",
                                       .item = "",
                                       .found = fmt::format("p = {}, {} degrees of freedom", p, freedom),
                                       .expected = "0 < p < 1 and at least 1",
                                       .remedy = ""});
  if (p < 0.5) return -student_t_quantile(1 - p, freedom);
  // The tail is convex for t > 0, so Newton's method from 0 rises to the root and never passes it.
  double t = 0;
  for (int i = 0; i < 1000; ++i) {
    const double step = (upper_tail(t, freedom) - (1 - p)) / density(t, freedom);
    if (!(step > 1e-14 * t)) break;
    t += step;
  }
  return t;
}

}  // namespace linformer
