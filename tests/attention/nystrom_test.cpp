// SPDX-License-Identifier: MIT
#include "attention/nystrom.h"

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "attention/naive_attention.h"
#include "attention/naive_nystrom.h"
#include "attention/pseudo_inverse.h"
#include "catch.h"
#include "io/error_of.h"

namespace linformer {
namespace {

AttentionShape shape_with(int64_t n, int64_t d = 8) {
  return {.batch = 2,
          .heads = 4,
          .queries = n,
          .keys = n,
          .head_size = d,
          .value_size = d,
          .scale = 1 / std::sqrt(static_cast<float>(d))};
}

// Q, K and V of a shape, and O.
struct Trial {
  AttentionShape s;
  Heads q, k, v, out;

  Trial(const AttentionShape& shape, int64_t kv_heads, float deviation)
      : s(shape),
        q(s.batch, s.heads, s.queries, s.head_size),
        k(s.batch, kv_heads, s.keys, s.head_size),
        v(s.batch, kv_heads, s.keys, s.value_size),
        out(s.batch, s.heads, s.queries, s.value_size) {
    q.fill(deviation, 1), k.fill(deviation, 2), v.fill(1, 3);
  }

  AttentionInput in() const { return {.q = q.view, .k = k.view, .v = v.view}; }
  void run(const std::string& options, int threads = 2) const {
    run_mechanism("nystrom:" + options, s, in(), out.view, {}, threads);
  }
  // Queries that are three times their own keys see little else, so that no P is near a singular one.
  void look_at_themselves() {
    for (size_t i = 0; i < q.storage.size(); ++i) q.storage[i] = 3 * k.storage[i];
  }

  // From f64 loops, relative to the largest.
  double error(size_t landmarks, const naive::Inverse& inverse) const {
    double most = 0, worst = 0;
    for (int64_t b = 0; b < s.batch; ++b) {
      for (int64_t h = 0; h < s.heads; ++h) {
        const int64_t kv = h / (s.heads / k.view.heads);
        const naive::Rows truth = naive::nystrom(
            naive::rows_of(q.view.matrix(b, h)), naive::rows_of(k.view.matrix(b, kv)),
            naive::rows_of(v.view.matrix(b, kv)), static_cast<double>(s.scale), landmarks, inverse);
        for (size_t i = 0; i < truth.size(); ++i) {
          for (size_t c = 0; c < truth[i].size(); ++c) {
            const auto ours = static_cast<double>(out.view.matrix(b, h).row(static_cast<int64_t>(i))[c]);
            const double difference = std::abs(ours - truth[i][c]);
            if (!(difference <= worst)) worst = difference;  // NaN too
            most = std::max(most, std::abs(truth[i][c]));
          }
        }
      }
    }
    return worst / most;
  }
};

naive::Inverse iterated(int64_t iterations) {
  return [=](const naive::Rows& a) { return naive::iterated(a, iterations); };
}

}  // namespace

TEST_CASE("nystrom attention agrees with f64 loops, whether its landmarks divide n or not") {
  for (const auto& [n, landmarks] : {std::pair(32, 8), {29, 7}, {30, 29}, {31, 1}, {13, 13}, {1, 1}}) {
    CAPTURE(n, landmarks);
    const Trial trial(shape_with(n), 4, 1.5f);
    const std::string options = "landmarks=" + std::to_string(landmarks);
    trial.run(options);
    CHECK(trial.error(static_cast<size_t>(landmarks), iterated(6)) <= 1e-5);
    trial.run(options + ",iterations=1", 1);
    CHECK(trial.error(static_cast<size_t>(landmarks), iterated(1)) <= 1e-5);
  }
}

TEST_CASE(
    "nystrom attention takes heads that share keys, values of another size and fewer keys than queries") {
  AttentionShape s = shape_with(33);
  s.keys = 21, s.value_size = 5;
  for (const int64_t kv_heads : {1, 2, 4}) {
    const Trial trial(s, kv_heads, 1.5f);
    trial.run("landmarks=9");
    CHECK(trial.error(9, iterated(6)) <= 1e-5);
  }
  s.value_size = 24;  // more than landmarks
  const Trial trial(s, 2, 1.5f);
  trial.run("landmarks=9");
  CHECK(trial.error(9, iterated(6)) <= 1e-5);
}

TEST_CASE("nystrom attention with all tokens as landmarks and the exact inverse is exact attention") {
  Trial trial(shape_with(23), 4, 1.5f);
  trial.look_at_themselves();
  trial.run("landmarks=23,inverse=exact");
  CHECK(compare(trial.s, trial.in(), trial.out.view, {}).output <= 1e-5);
  trial.run("landmarks=23,iterations=2");
  CHECK(compare(trial.s, trial.in(), trial.out.view, {}).output > 1e-3);  // it has not converged
  trial.run("landmarks=23,iterations=30");
  CHECK(compare(trial.s, trial.in(), trial.out.view, {}).output <= 1e-5);
}

TEST_CASE("the exact inverse of nystrom attention is the inverse where there is one") {
  Trial trial(shape_with(40), 4, 3);
  trial.look_at_themselves();
  trial.run("landmarks=10,inverse=exact");
  CHECK(trial.error(10, naive::inverted) <= 1e-5);
}

TEST_CASE("the exact inverse leaves out what is singular: Moore and Penrose's four conditions hold") {
  // Rank 2: the third row is the mean of the others.
  const std::vector<double> a = {0.7, 0.2, 0.1, 0.1, 0.3, 0.6, 0.4, 0.25, 0.35};
  std::vector<double> z = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  const NystromOptions options{.inverse = NystromOptions::Inverse::kExact};
  MemoryAccount memory;
  const RawBuffer room(memory, inverse_bytes(options, 3, 3), "room");
  multiply_by_inverse(options, a.data(), z.data(), 3, 3, room.data());
  const auto product = [](const std::vector<double>& x, const std::vector<double>& y) {
    std::vector<double> xy(9);
    multiply(x.data(), y.data(), xy.data(), 3, 3, 3);
    return xy;
  };
  const std::vector<double> az = product(a, z), za = product(z, a), aza = product(az, a),
                            zaz = product(za, z);
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) {
      CHECK(aza[3 * i + j] == Approx(a[3 * i + j]).margin(1e-9));
      CHECK(zaz[3 * i + j] == Approx(z[3 * i + j]).margin(1e-9));
      CHECK(az[3 * i + j] == Approx(az[3 * j + i]).margin(1e-9));
      CHECK(za[3 * i + j] == Approx(za[3 * j + i]).margin(1e-9));
    }
  }
}

TEST_CASE("a head of nystrom attention does not depend on others, nor on threads") {
  const Trial trial(shape_with(32), 4, 1.5f);
  trial.run("landmarks=8", 3);
  const std::vector<float> before = trial.out.storage;
  HeadsView<float> first = trial.k.view;
  first.batch = 1, first.heads = 1;
  trial.k.fill(first, 9, 77);  // of the largest norms by far
  trial.run("landmarks=8", 1);
  const std::vector<float>& after = trial.out.storage;
  const auto head = static_cast<ptrdiff_t>(32 * 8);
  CHECK_FALSE(std::equal(before.begin(), before.begin() + head, after.begin()));
  CHECK(std::equal(before.begin() + head, before.end(), after.begin() + head));
}

TEST_CASE("nystrom attention works in the room it announces and takes no more") {
  for (const char* options : {"landmarks=7", "landmarks=7,inverse=exact"}) {
    const Trial trial(shape_with(29), 2, 1);
    const auto mechanism = make_mechanism(std::string("nystrom:") + options);
    MemoryAccount memory;
    Run run{.memory = memory, .threads = 3};
    constexpr int64_t kGuard = 4096;
    const int64_t bytes = mechanism->workspace_bytes(trial.s, 3, false);
    const RawBuffer workspace(memory, bytes + kGuard, "workspace");
    std::fill_n(workspace.span().data() + bytes, kGuard, std::byte{0x5a});
    mechanism->prepare(trial.s, {});
    mechanism->run(trial.s, trial.in(), trial.out.view, {},
                   workspace.span().first(static_cast<size_t>(bytes)), run);
    CHECK(memory.current_bytes() == bytes + kGuard);
    CHECK(std::all_of(workspace.span().data() + bytes, workspace.span().data() + bytes + kGuard,
                      [](std::byte x) { return x == std::byte{0x5a}; }));
    AttentionShape longer = trial.s;
    longer.queries *= 2;
    CHECK(mechanism->workspace_bytes(longer, 3, false) >= bytes);
    CHECK(mechanism->workspace_bytes(trial.s, 4, false) >= bytes);
    longer.queries = longer.keys = 3;  // fewer than landmarks
    CHECK(mechanism->workspace_bytes(longer, 3, false) <= bytes);
  }
}

TEST_CASE("the slow twin of nystrom attention is the f64 loops, and says how rounding is amplified") {
  const Trial trial(shape_with(29), 2, 1.5f);
  for (const char* options : {"landmarks=7", "landmarks=7,inverse=exact"}) {
    INFO(options);
    const bool exact = std::string(options).ends_with("exact");
    const auto mechanism = make_mechanism(std::string("nystrom:") + options);
    mechanism->prepare(trial.s, {});
    const std::vector<int64_t> rows = {0, 28, 11};
    const ReferenceRows twin = mechanism->reference(trial.s, trial.in(), 1, 3, rows);
    const naive::Rows truth =
        naive::nystrom(naive::rows_of(trial.q.view.matrix(1, 3)), naive::rows_of(trial.k.view.matrix(1, 1)),
                       naive::rows_of(trial.v.view.matrix(1, 1)), static_cast<double>(trial.s.scale), 7,
                       exact ? naive::Inverse(naive::inverted) : iterated(6));
    REQUIRE(twin.o.size() == 24);
    for (size_t i = 0; i < 24; ++i)
      CHECK(twin.o[i] == Approx(truth[static_cast<size_t>(rows[i / 8])][i % 8]).margin(1e-9));
    CHECK(twin.amplification >= 1);
    CHECK(twin.largest_score > 1);
  }
  // Means of long segments are nearly alike, and attention among them nearly singular.
  const Trial flat(shape_with(640), 2, 0.1f);
  const auto amplification = [&](const char* options) {
    const auto mechanism = make_mechanism(options);
    mechanism->prepare(flat.s, {});
    return mechanism->reference(flat.s, flat.in(), 0, 0, std::vector<int64_t>{0}).amplification;
  };
  CHECK(amplification("nystrom:landmarks=16,inverse=exact") > 100 * amplification("nystrom:landmarks=16"));
}

TEST_CASE("nystrom attention says what it is and counts its operations") {
  const auto mechanism = make_mechanism("nystrom");
  CHECK(mechanism->canonical() == "nystrom:landmarks=64");
  CHECK(make_mechanism("nystrom:iterations=6,inverse=iterative,landmarks=9")->canonical() ==
        "nystrom:landmarks=9");
  CHECK(make_mechanism("nystrom:inverse=exact,landmarks=9")->canonical() ==
        "nystrom:landmarks=9,inverse=exact");
  CHECK(make_mechanism("nystrom:iterations=8")->canonical() == "nystrom:landmarks=64,iterations=8");
  const MechanismTraits traits = mechanism->traits();
  CHECK(traits.fidelity == Fidelity::kApproximates);
  CHECK_FALSE(
      (traits.causal || traits.random || traits.key_mask || traits.distance_bias || traits.probabilities));
  const AttentionShape s{
      .batch = 3, .heads = 12, .queries = 512, .keys = 512, .head_size = 64, .value_size = 64};
  CHECK(mechanism->parameters(s).empty());
  const double m = 64,
               each = 2 * 512 * 64 + 8 * 512 * m * 64 + 2 * m * m * 64 + 6 * 8 * m * m * m + 2 * m * m * 64;
  CHECK(mechanism->flops(s) == 36 * each);
  CHECK(rank_option("nystrom") == "landmarks");
  CHECK(rank_option("flash").empty());
  CHECK(rank_option("none").empty());
  CHECK(with_rank("nystrom", 5) == "nystrom:landmarks=5");
  CHECK(with_rank("nystrom:inverse=exact", 5) == "nystrom:inverse=exact,landmarks=5");
  CHECK(without_rank("nystrom:inverse=exact,landmarks=5") == "nystrom:inverse=exact");
  CHECK(without_rank("nystrom:landmarks=5") == "nystrom");
  CHECK(without_rank("linformer:k=5,sharing=none") == "linformer:sharing=none");
  CHECK(without_rank("svd:k=5") == "svd");
  CHECK(without_rank("flash") == "flash");
}

TEST_CASE("nystrom attention refuses options, shapes, masks and biases that it cannot compute") {
  for (const char* wrong :
       {"nystrom:landmarks=0", "nystrom:k=3", "nystrom:landmarks=", "nystrom:landmarks=7,",
        "nystrom:inverse=own", "nystrom:iterations=0", "nystrom:iterations=1001",
        "nystrom:landmarks=7,landmarks=8", "nystrom:inverse=exact,iterations=6"}) {
    INFO(wrong);
    const auto error = error_of([&] { make_mechanism(wrong); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::kUsage);
  }
  const auto mechanism = make_mechanism("nystrom:landmarks=7");
  AttentionShape s = shape_with(29);
  s.causal = true;
  CHECK(contains(error_of([&] { mechanism->prepare(s, {}); })->what(), "causal"));
  CHECK(contains(error_of([&] { mechanism->prepare(shape_with(6), {}); })->what(), "at most n=6"));
  const Trial trial(shape_with(29), 4, 1);
  mechanism->prepare(trial.s, {});
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 1};
  const RawBuffer workspace(memory, mechanism->workspace_bytes(trial.s, 1, false), "workspace");
  AttentionInput masked = trial.in();
  const std::vector<float> mask(2 * 29, 0.0f);
  masked.key_mask = {mask.data(), 2, 29, 29};
  CHECK(error_of([&] { mechanism->run(trial.s, masked, trial.out.view, {}, workspace.span(), run); }));
}

}  // namespace linformer
