// SPDX-License-Identifier: MIT
// Every replacement beside f64 loops.
#include "accuracy/replacement.h"

#include <algorithm>
#include <cmath>

#include "attention/naive_nystrom.h"
#include "catch.h"
#include "io/error_of.h"
#include "made_head.h"

namespace linformer {
namespace {

using testing::Given;
using testing::MadeHead;
using testing::Numbers;
using testing::product;
using testing::Trial;

constexpr int64_t kLength = 24, kHeadSize = 6;
constexpr double kRounding = 5e-6;  // of f32 products and of eigenvectors kept in f32

MadeHead made(uint64_t seed, double sharpness = 2) { return {kLength, kHeadSize, sharpness, seed}; }

Numbers p_of(const MadeHead& head) { return testing::numbers(head.p.view()); }
Numbers v_of(const MadeHead& head) { return testing::numbers(head.v.view()); }

// Q, K and V as a Linformer's E and F see them.
Numbers linformer_output(const MadeHead& head, const Numbers& e, const Numbers& f) {
  const Numbers keys = product(e, testing::numbers(head.k.view()));
  return product(testing::softmax_of(testing::numbers(head.q.view()), keys, static_cast<double>(head.scale)),
                 product(f, v_of(head)));
}

Numbers mean_pooling(int64_t k) {
  const int64_t window = kLength / k;
  Numbers e(static_cast<size_t>(k), std::vector<double>(kLength));
  for (int64_t j = 0; j < kLength; ++j)
    e[static_cast<size_t>(j / window)][static_cast<size_t>(j)] = 1 / static_cast<double>(window);
  return e;
}

}  // namespace

TEST_CASE("replacing P by its singular value decomposition of rank k agrees with f64 loops") {
  const MadeHead head = made(1);
  Trial trial("svd", {3, 8, kLength}, kLength, kHeadSize);
  const Given given = trial.apply(head.input());
  const Numbers vectors = testing::right_vectors(p_of(head));
  REQUIRE(given.o.size() == 3);
  for (size_t i = 0; i < 3; ++i) {
    const Numbers truth =
        product(testing::projected(p_of(head), vectors, trial.replacement->ks()[i]), v_of(head));
    CHECK(testing::relative_distance(given.o[i], truth) < kRounding);
  }
  CHECK(testing::relative_distance(given.o[2], head.exact()) < kRounding);
}

TEST_CASE("what the decomposition of rank k leaves of P is the tail of the squared singular values") {
  MadeHead head = made(2);
  // V is the identity in part, so that the outputs are columns of P_k.
  const int64_t n = kHeadSize;
  MadeHead square(n, n, 2, 3);
  square.v = testing::fill(n, n, [](int64_t i, int64_t j) { return i == j; });
  Trial trial("svd", {1, 2, 4, 5}, n, n);
  const Given given = trial.apply(square.input());
  const Numbers p = p_of(square), vectors = testing::right_vectors(p);
  for (size_t i = 0; i < given.o.size(); ++i) {
    double tail = 0;
    for (int64_t m = trial.replacement->ks()[i]; m < n; ++m) {
      tail += testing::squared_norm(product(p, testing::transposed({vectors[static_cast<size_t>(m)]})));
    }
    CHECK(testing::squared_distance(given.o[i], p) == Approx(tail).epsilon(1e-4));
  }
}

TEST_CASE("the error of both decompositions falls as k grows") {
  for (const char* name : {"svd", "pv-svd"}) {
    const MadeHead head = made(4, 3);
    Trial trial(name, {1, 2, 3, 4, 5, 8, 12, 20}, kLength, kHeadSize);
    const Given given = trial.apply(head.input());
    for (size_t i = 1; i < given.o.size(); ++i) {
      CAPTURE(name, i);
      CHECK(testing::relative_distance(given.o[i], head.exact()) <
            testing::relative_distance(given.o[i - 1], head.exact()) + kRounding);
    }
  }
}

TEST_CASE("the decomposition of the output is the best of its rank, and exact from k = d on") {
  const MadeHead head = made(5);
  Trial trial("pv-svd", {2, kHeadSize, kLength}, kLength, kHeadSize);
  const Given given = trial.apply(head.input());
  const Numbers exact = head.exact(), vectors = testing::right_vectors(exact);
  CHECK(testing::relative_distance(given.o[0], testing::projected(exact, vectors, 2)) < kRounding);
  CHECK(testing::relative_distance(given.o[1], exact) < kRounding);
  CHECK(testing::relative_distance(given.o[2], exact) < kRounding);
  Trial svd("svd", {2}, kLength, kHeadSize);
  CHECK(testing::relative_distance(given.o[0], exact) <
        testing::relative_distance(svd.apply(head.input()).o[0], exact));
}

TEST_CASE("a planted head of rank r is found out: nothing is lost from k = r on, much below") {
  constexpr int64_t kRank = 4;
  MadeHead head = made(6);
  // Rows are mixtures of kRank distributions.
  const Numbers mixtures =
      testing::softmax_of(testing::numbers(testing::gaussian(kLength, 3, 2, 61).view()),
                          testing::numbers(testing::gaussian(kRank, 3, 1, 62).view()), 1);
  const Numbers parts = testing::softmax_of(testing::numbers(testing::gaussian(kRank, 3, 2, 63).view()),
                                            testing::numbers(testing::gaussian(kLength, 3, 1, 64).view()), 1);
  head.set_p(product(mixtures, parts));
  for (const char* name : {"svd", "subspace"}) {
    CAPTURE(name);
    Trial trial(name, {kRank - 1, kRank, kLength}, kLength, kHeadSize);
    trial.learn_from({&head});
    const Given given = trial.apply(head.input());
    CHECK(testing::relative_distance(given.o[0], head.exact()) > 1e-3);
    CHECK(testing::relative_distance(given.o[1], head.exact()) < kRounding);
  }
  // A thousandth of noise leaves about that much from k = r on, and no less until k = n.
  Numbers noisy = p_of(head);
  const Numbers noise = testing::softmax_of(testing::numbers(testing::gaussian(kLength, 3, 2, 65).view()),
                                            testing::numbers(testing::gaussian(kLength, 3, 2, 66).view()), 1);
  for (size_t i = 0; i < noisy.size(); ++i)
    for (size_t j = 0; j < noisy.size(); ++j) noisy[i][j] = 0.999 * noisy[i][j] + 0.001 * noise[i][j];
  head.set_p(noisy);
  Trial trial("svd", {kRank - 1, kRank, kLength}, kLength, kHeadSize);
  const Given given = trial.apply(head.input());
  const double at_rank = testing::relative_distance(given.o[1], head.exact());
  CHECK(at_rank > 1e-5);
  CHECK(at_rank < 1e-2);
  CHECK(testing::relative_distance(given.o[0], head.exact()) > 2 * at_rank);
  CHECK(testing::relative_distance(given.o[2], head.exact()) < kRounding);
}

TEST_CASE("a fixed subspace is that of the sum of P'P over calibration, and all of it at k = n") {
  const MadeHead first = made(7), second = made(8), unseen = made(9);
  Trial trial("subspace", {5, kLength}, kLength, kHeadSize);
  trial.learn_from({&first, &second});
  Numbers stacked = p_of(first);
  for (const std::vector<double>& row : p_of(second)) stacked.push_back(row);
  const Numbers vectors = testing::right_vectors(stacked);
  const Given given = trial.apply(unseen.input());
  const Numbers truth = product(testing::projected(p_of(unseen), vectors, 5), v_of(unseen));
  CHECK(testing::relative_distance(given.o[0], truth) < kRounding);
  CHECK(testing::relative_distance(given.o[1], unseen.exact()) < kRounding);
}

TEST_CASE("subspaces of heads, layers and the model are learnt from just these") {
  // Two layers of two heads, [layer][head].
  const MadeHead heads[2][2] = {{made(10), made(11)}, {made(12), made(13)}};
  const auto learnt_from = [&](const std::string& sharing) {
    Trial trial("subspace:sharing=" + sharing, {4}, kLength, kHeadSize, 2, 2);
    for (int64_t layer = 0; layer < 2; ++layer) {
      for (int64_t head = 0; head < 2; ++head)
        trial.replacement->see(heads[layer][head].input(layer, head), trial.workspace);
      trial.replacement->learn_layer(layer, trial.run);
    }
    trial.replacement->learn_model(trial.run);
    return trial.apply(heads[1][0].input(1, 0)).o[0];
  };
  const auto expected = [&](const std::vector<const MadeHead*>& seen) {
    Numbers stacked;
    for (const MadeHead* head : seen)
      for (const std::vector<double>& row : p_of(*head)) stacked.push_back(row);
    return product(testing::projected(p_of(heads[1][0]), testing::right_vectors(stacked), 4),
                   v_of(heads[1][0]));
  };
  CHECK(testing::relative_distance(learnt_from("head"), expected({&heads[1][0]})) < kRounding);
  CHECK(testing::relative_distance(learnt_from("layer"), expected({&heads[1][0], &heads[1][1]})) < kRounding);
  CHECK(testing::relative_distance(learnt_from("model"), expected({&heads[0][0], &heads[0][1], &heads[1][0],
                                                                   &heads[1][1]})) < kRounding);
}

TEST_CASE("the mean of V answers every query alike") {
  const MadeHead head = made(14);
  Trial trial("mean-v", {}, kLength, kHeadSize);
  CHECK(trial.replacement->name(0) == "mean-v");
  const Given given = trial.apply(head.input());
  const Numbers uniform(kLength, std::vector<double>(kLength, 1 / static_cast<double>(kLength)));
  CHECK(testing::relative_distance(given.o[0], product(uniform, v_of(head))) < kRounding);
  CHECK(testing::relative_distance(given.p[0], uniform) < kRounding);
}

TEST_CASE("a local window keeps the k nearest keys of every query and normalises them") {
  const MadeHead head = made(15);
  Trial trial("local", {1, 4, kLength}, kLength, kHeadSize);
  const Given given = trial.apply(head.input());
  const Numbers p = p_of(head);
  CHECK(testing::relative_distance(given.o[0], v_of(head)) < kRounding);  // itself alone
  for (size_t i = 0; i < kLength; ++i) {
    const size_t begin = std::min<size_t>(i < 2 ? 0 : i - 2, kLength - 4);
    double sum = 0;
    for (size_t j = begin; j < begin + 4; ++j) sum += p[i][j];
    for (size_t j = 0; j < kLength; ++j) {
      CHECK(given.p[1][i][j] == Approx(j >= begin && j < begin + 4 ? p[i][j] / sum : 0).margin(1e-7));
    }
  }
  CHECK(testing::relative_distance(given.o[1], product(given.p[1], v_of(head))) < kRounding);
  CHECK(testing::relative_distance(given.o[2], head.exact()) < kRounding);
}

TEST_CASE("a window in which P has no weight counts its keys alike") {
  MadeHead head = made(16);
  Numbers far(kLength, std::vector<double>(kLength));
  for (size_t i = 0; i < kLength; ++i) far[i][i < kLength / 2 ? kLength - 1 : 0] = 1;
  head.set_p(far);
  Trial trial("local:k=3", {}, kLength, kHeadSize);
  const Given given = trial.apply(head.input());
  CHECK(given.p[0][0][1] == Approx(1.0 / 3));
  CHECK(given.p[0][0][3] == 0);
}

TEST_CASE("flash changes nothing, and pooling is a Linformer whose E and F are means or maxima") {
  const MadeHead head = made(17);
  Trial flash("flash", {}, kLength, kHeadSize);
  CHECK(flash.replacement->traits().kind == ReplacementKind::kExact);
  CHECK(testing::relative_distance(flash.apply(head.input()).o[0], head.exact()) < kRounding);

  Trial mean("linformer:projection=mean-pooling", {6, kLength}, kLength, kHeadSize);
  CHECK(mean.replacement->traits().kind == ReplacementKind::kApproximates);
  const Given pooled = mean.apply(head.input());
  const Numbers e = mean_pooling(6);
  CHECK(testing::relative_distance(pooled.o[0], linformer_output(head, e, e)) < kRounding);
  CHECK(testing::relative_distance(pooled.o[0], product(pooled.p[0], v_of(head))) < kRounding);
  CHECK(testing::relative_distance(pooled.o[1], head.exact()) < kRounding);

  Trial largest("linformer:projection=max-pooling", {kLength}, kLength, kHeadSize);
  CHECK(largest.replacement->traits().kind == ReplacementKind::kUntrained);
  CHECK(testing::relative_distance(largest.apply(head.input()).o[0], head.exact()) < kRounding);
}

TEST_CASE("a Gaussian projection is the same for every head and sequence, and marked as untrained") {
  const MadeHead head = made(18);
  Trial one("linformer:projection=gaussian", {8}, kLength, kHeadSize),
      other("linformer:projection=gaussian", {8}, kLength, kHeadSize);
  CHECK(one.replacement->traits().kind == ReplacementKind::kUntrained);
  CHECK(one.apply(head.input(0, 0)).o == other.apply(head.input(3, 1)).o);
}

TEST_CASE("replacements have canonical names, and one that names its k is made for it alone") {
  const auto names = [](const char* specification) {
    Trial trial(specification, {8, 2}, kLength, kHeadSize);
    std::vector<std::string> all;
    for (const int64_t k : trial.replacement->ks()) all.push_back(trial.replacement->name(k));
    return all;
  };
  using All = std::vector<std::string>;
  CHECK(names("svd") == All{"svd:k=2", "svd:k=8"});
  CHECK(names("pv-svd:k=5") == All{"pv-svd:k=5"});
  CHECK(names("subspace") == All{"subspace:k=2,sharing=head", "subspace:k=8,sharing=head"});
  CHECK(names("subspace:sharing=model,k=3") == All{"subspace:k=3,sharing=model"});
  CHECK(names("fitted:sharing=layer") == All{"fitted:k=2,sharing=layer", "fitted:k=8,sharing=layer"});
  CHECK(names("flash") == All{"flash"});
  CHECK(names("linformer:projection=mean-pooling") ==
        All{"linformer:k=2,projection=mean-pooling", "linformer:k=8,projection=mean-pooling"});
  CHECK(names("nystrom") == All{"nystrom:landmarks=2", "nystrom:landmarks=8"});
  CHECK(names("nystrom:inverse=exact,landmarks=3") == All{"nystrom:landmarks=3,inverse=exact"});
}

TEST_CASE("in a causal head the window holds the last keys that are seen, and the mean those up to a query") {
  MadeHead head = made(8);
  Numbers p = p_of(head);
  for (size_t i = 0; i < p.size(); ++i) {
    double sum = 0;
    for (size_t j = 0; j < p.size(); ++j) sum += p[i][j] = j <= i ? p[i][j] : 0;
    for (double& x : p[i]) x /= sum;
  }
  head.set_p(p);
  HeadInput in = head.input();
  in.causal = true;
  Trial local("local", {3, kLength}, kLength, kHeadSize), mean("mean-v", {}, kLength, kHeadSize);
  const Given windows = local.apply(in), means = mean.apply(in);
  CHECK(testing::relative_distance(windows.o[1], head.exact()) < kRounding);
  Numbers window = p, uniform = p;
  for (size_t i = 0; i < p.size(); ++i) {
    double sum = 0;
    for (size_t j = 0; j < p.size(); ++j) {
      sum += window[i][j] = j <= i && j + 3 > i ? p[i][j] : 0;
      uniform[i][j] = j <= i ? 1 / static_cast<double>(i + 1) : 0;
    }
    for (double& x : window[i]) x /= sum;
  }
  CHECK(testing::relative_distance(windows.p[0], window) < kRounding);
  CHECK(testing::relative_distance(windows.o[0], product(window, v_of(head))) < kRounding);
  CHECK(testing::relative_distance(means.p[0], uniform) < kRounding);
  CHECK(testing::relative_distance(means.o[0], product(uniform, v_of(head))) < kRounding);
  for (const char* name :
       {"svd", "pv-svd", "subspace", "fitted", "nystrom", "linformer:projection=mean-pooling"})
    CHECK_FALSE(Trial(name, {4}, kLength, kHeadSize).replacement->traits().causal);
  for (const char* name : {"flash", "standard", "local", "mean-v"})
    CHECK(Trial(name, {4}, kLength, kHeadSize).replacement->traits().causal);
}

TEST_CASE("a nystromformer in the place of a head agrees with f64 loops, and estimates it") {
  const MadeHead head = made(7, 1);
  Trial trial("nystrom", {4, 7}, kLength, kHeadSize);
  CHECK(trial.replacement->traits().kind == ReplacementKind::kApproximates);
  const Given given = trial.apply(head.input());
  REQUIRE(given.o.size() == 2);
  CHECK(given.p.empty());
  for (size_t i = 0; i < 2; ++i) {
    const Numbers truth =
        naive::nystrom(testing::numbers(head.q.view()), testing::numbers(head.k.view()), v_of(head),
                       static_cast<double>(head.scale), static_cast<size_t>(trial.replacement->ks()[i]),
                       [](const Numbers& a) { return naive::iterated(a, 6); });
    CHECK(testing::relative_distance(given.o[i], truth) < kRounding);
  }
}

TEST_CASE("replacements that cannot be are usage errors that say what can") {
  for (const char* wrong :
       {"", "svd:k=0", "svd:k=25", "svd:k=2..4", "svd:rank=3", "svd:sharing=head", "subspace:sharing=all",
        "fitted:sharing=model", "mean-v:k=3", "svd:k", "lowrank", "flash:k=3", "linformer:projection=mean",
        "nystrom:k=3", "nystrom:landmarks=25", "nystrom:landmarks=2..4"}) {
    INFO(wrong);
    const auto error = error_of([&] { Trial(wrong, {8}, kLength, kHeadSize); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::kUsage);
  }
  CHECK(code_of([] { Trial("svd", {}, kLength, kHeadSize); }) == static_cast<int>(ErrorCode::kUsage));
  MemoryAccount memory;
  Run run{.memory = memory};
  const auto biased = [&](const char* name) {
    return code_of([&] {
      make_replacement(name, {4},
                       {.layers = 1, .heads = 1, .length = 8, .head_size = 2, .distance_bias = true}, run);
    });
  };
  CHECK(biased("svd") == 0);
  CHECK(biased("flash") == static_cast<int>(ErrorCode::kUsage));
  CHECK(biased("fitted") == static_cast<int>(ErrorCode::kUsage));
}

}  // namespace linformer
