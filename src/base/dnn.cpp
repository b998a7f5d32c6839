// SPDX-License-Identifier: MIT
#include "base/dnn.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <dnnl.hpp>
#include <map>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/index.h"
#include "base/threads.h"

namespace linformer {
namespace {

using dnnl::memory;
using Arguments = std::unordered_map<int, memory>;

constexpr auto kF32 = memory::data_type::f32;

const dnnl::engine& engine() {
  static const dnnl::engine instance(dnnl::engine::kind::cpu, 0);
  return instance;
}

memory::desc matrix(int64_t rows, int64_t cols, int64_t row_stride, int64_t col_stride) {
  return {{rows, cols}, kF32, memory::dims{row_stride, col_stride}};
}

memory::desc vector(int64_t size) { return {{size}, kF32, memory::format_tag::a}; }

// oneDNN's name, and its first parameter.
std::pair<dnnl::algorithm, float> eltwise_of(Activation activation) {
  switch (activation) {
    case Activation::kGelu:
      return {dnnl::algorithm::eltwise_gelu_erf, 0.0f};
    case Activation::kGeluTanh:
      return {dnnl::algorithm::eltwise_gelu_tanh, 0.0f};
    case Activation::kRelu:
      return {dnnl::algorithm::eltwise_relu, 0.0f};
    case Activation::kSilu:
      return {dnnl::algorithm::eltwise_swish, 1.0f};
    case Activation::kNone:
      break;
  }
  return {dnnl::algorithm::eltwise_linear, 1.0f};
}

dnnl::primitive_attr attributes(Activation activation = Activation::kNone, bool accumulate = false) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  dnnl::post_ops ops;
  if (accumulate) ops.append_sum(1.0f);
  if (activation != Activation::kNone) {
    const auto [algorithm, alpha] = eltwise_of(activation);
#if DNNL_VERSION_MAJOR >= 3
    ops.append_eltwise(algorithm, alpha, 0.0f);
#else
    ops.append_eltwise(1.0f, algorithm, alpha, 0.0f);
#endif
  }
  attr.set_post_ops(ops);
  return attr;
}

// `bias` may be a zero descriptor: none.
dnnl::matmul::primitive_desc matmul_desc(const memory::desc& a, const memory::desc& b,
                                         const memory::desc& bias, const memory::desc& c,
                                         const dnnl::primitive_attr& attr) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine(), a, b, bias, c, attr};
#else
  return {dnnl::matmul::desc(a, b, bias, c), attr, engine()};
#endif
}

dnnl::layer_normalization_forward::primitive_desc layer_norm_desc(const memory::desc& x, float epsilon) {
  const auto kind = dnnl::prop_kind::forward_inference;
  const auto flags = dnnl::normalization_flags::use_scale | dnnl::normalization_flags::use_shift;
#if DNNL_VERSION_MAJOR >= 3
  return {engine(), kind, x, x, epsilon, flags, attributes()};
#else
  return {dnnl::layer_normalization_forward::desc(kind, x, epsilon, flags), attributes(), engine()};
#endif
}

// oneDNN's API has no const pointers; inputs are only read.
void* input(const float* data) { return const_cast<float*>(data); }

// A primitive with its arguments bound once; only the pointers change from call to call.
class Bound {
 public:
  Bound(const dnnl::primitive& primitive, Arguments arguments, const memory::desc& scratchpad)
      : primitive_(primitive), arguments_(std::move(arguments)), stream_(engine()) {
    arguments_.emplace(DNNL_ARG_SCRATCHPAD, memory(scratchpad, engine(), nullptr));
    scratch_bytes_ = static_cast<int64_t>(scratchpad.get_size());
  }

  int64_t scratch_bytes() const { return scratch_bytes_; }
  void set(int argument, void* data) { arguments_.at(argument).set_data_handle(data); }
  void execute(void* scratch) {
    set(DNNL_ARG_SCRATCHPAD, scratch);
    primitive_.execute(stream_, arguments_);
    stream_.wait();
  }

 private:
  dnnl::primitive primitive_;
  Arguments arguments_;
  dnnl::stream stream_;
  int64_t scratch_bytes_ = 0;
};

memory unbound(const memory::desc& desc) { return memory(desc, engine(), nullptr); }

// The primitives of one layer by number of rows.
class BoundByRows {
 public:
  bool has(int64_t rows) const { return by_rows_.contains(rows); }
  /// For two more: lengths differ from sequence to sequence, and what is made again costs little.
  void make_room() {
    constexpr size_t kMost = 64;
    if (by_rows_.size() >= kMost) by_rows_.clear();
  }
  void insert(int64_t rows, Bound bound) {
    scratch_bytes_ = std::max(scratch_bytes_, bound.scratch_bytes());
    by_rows_.emplace(rows, std::move(bound));
  }
  Bound& at(int64_t rows) { return by_rows_.at(rows); }
  int64_t scratch_bytes() const { return scratch_bytes_; }

 private:
  std::map<int64_t, Bound> by_rows_;
  int64_t scratch_bytes_ = 0;
};

}  // namespace

bool limit_dnn_isa(std::string_view isa) {
  dnnl::cpu_isa level = {};  // no limit, by whatever name this version has for it
  if (isa == "baseline") level = dnnl::cpu_isa::sse41;
  if (isa == "avx2") level = dnnl::cpu_isa::avx2;
  if (isa == "avx512") level = dnnl::cpu_isa::avx512_core;
  if (isa == "avx512bf16") level = dnnl::cpu_isa::avx512_core_bf16;
  if (isa == "amx") level = dnnl::cpu_isa::avx512_core_amx;
  return dnnl::set_max_cpu_isa(level) == dnnl::status::success;
}

std::string dnn_version() {
  const dnnl_version_t* v = dnnl::version();
  return fmt::format("{}.{}.{}", v->major, v->minor, v->patch);
}

std::string dnn_isa() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41:
      return "sse41";
    case dnnl::cpu_isa::avx:
      return "avx";
    case dnnl::cpu_isa::avx2:
      return "avx2";
    case dnnl::cpu_isa::avx512_core:
      return "avx512_core";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "avx512_core_vnni";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "avx512_core_bf16";
    case dnnl::cpu_isa::avx512_core_amx:
      return "avx512_core_amx";
    case dnnl::cpu_isa::avx2_vnni:
      return "avx2_vnni";
    default:
      return fmt::format("{:#x}", static_cast<unsigned>(dnnl::get_effective_cpu_isa()));
  }
}

struct Product::State {
  Sizes sizes;
  std::optional<Bound> bound;  ///< none for a single column
};

// One column, which oneDNN 3.7 takes for a row where its elements are not next to each other.
static void multiply_column(const Product::Sizes& s, const float* a, const float* b, float* c) {
  const int64_t step = s.b_transposed ? 1 : s.b_stride;
  for (int64_t i = 0; i < s.m; ++i) {
    float sum = 0;
    for (int64_t p = 0; p < s.k; ++p) sum += a[i * s.a_stride + p] * b[p * step];
    c[i * s.c_stride] = sum;
  }
}

static dnnl::matmul::primitive_desc product_desc(const Product::Sizes& s) {
  const OneThread alone;
  const memory::desc b = s.b_transposed ? matrix(s.k, s.n, 1, s.b_stride) : matrix(s.k, s.n, s.b_stride, 1);
  return matmul_desc(matrix(s.m, s.k, s.a_stride, 1), b, memory::desc(), matrix(s.m, s.n, s.c_stride, 1),
                     attributes());
}

Product::Product(const Sizes& s) : state_(std::make_unique<State>(State{s, std::nullopt})) {
  if (s.n == 1) return;
  const OneThread alone;  // the primitive is made for as many threads as run it
  const auto desc = product_desc(s);
  Arguments arguments{{DNNL_ARG_SRC, unbound(desc.src_desc())},
                      {DNNL_ARG_WEIGHTS, unbound(desc.weights_desc())},
                      {DNNL_ARG_DST, unbound(desc.dst_desc())}};
  state_->bound.emplace(dnnl::matmul(desc), std::move(arguments), desc.scratchpad_desc());
}

Product::Product(Product&&) noexcept = default;
Product& Product::operator=(Product&&) noexcept = default;
Product::~Product() = default;

int64_t Product::scratch_bytes(const Sizes& sizes) {
  if (sizes.n < 2 || sizes.m == 0 || sizes.k == 0) return 0;
  // Asking takes as long as a small product, and callers ask at every call.
  constexpr size_t kMost = 256;
  thread_local std::map<Sizes, int64_t> known;
  if (const auto found = known.find(sizes); found != known.end()) return found->second;
  if (known.size() >= kMost) known.clear();
  const auto bytes = static_cast<int64_t>(product_desc(sizes).scratchpad_desc().get_size());
  return known[sizes] = (bytes + 63) / 64 * 64;
}

int64_t Product::scratch_bytes() const { return state_->bound ? state_->bound->scratch_bytes() : 0; }

void Product::run(const float* a, const float* b, float* c, void* scratch) {
  const OneThread alone;
  if (!state_->bound) return multiply_column(state_->sizes, a, b, c);
  state_->bound->set(DNNL_ARG_SRC, input(a));
  state_->bound->set(DNNL_ARG_WEIGHTS, input(b));
  state_->bound->set(DNNL_ARG_DST, c);
  state_->bound->execute(scratch);
}

void ProductCache::run(const Product::Sizes& sizes, const float* a, const float* b, float* c,
                       std::span<std::byte> scratch, MemoryAccount& account) {
  constexpr size_t kMost = 256;  // lengths differ from sequence to sequence; what is made again costs little
  if (products_.size() >= kMost && !products_.contains(sizes)) products_.clear();
  Product& product = products_.try_emplace(sizes, sizes).first->second;
  if (product.scratch_bytes() <= std::ssize(scratch)) return product.run(a, b, c, scratch.data());
  scratch_.reserve(account, product.scratch_bytes(), "scratch of a matrix product");
  product.run(a, b, c, scratch_.data());
}

// Rows of X that one thread takes at a time; 0: all of them in one product on all threads. Without AVX-512,
// oneDNN (2.6 and 3.7) splits long sums among threads, and then the last bits would depend on their number.
static int64_t dense_block_rows() {
  constexpr int64_t kRows = 128;
  // Sets are bits that hold those of the sets below.
  const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  constexpr auto kAvx512 = static_cast<unsigned>(dnnl::cpu_isa::avx512_core);
  return (isa & kAvx512) == kAvx512 ? 0 : kRows;
}

struct Dense::State {
  MatrixView<const float> weight;
  const float* bias;
  Options options;
  Buffer<float> packed;
  std::optional<memory::desc> packed_desc;
  const int64_t block_rows = dense_block_rows();
  /// Of each thread that gets a block; of all together without blocks.
  std::vector<BoundByRows> primitives = {};

  memory::desc bias_desc() const {
    return bias == nullptr ? memory::desc() : memory::desc({1, weight.rows}, kF32, memory::format_tag::ab);
  }
  int64_t blocks(int64_t rows) const { return (rows + block_rows - 1) / block_rows; }
  /// Rows of the blocks of so many, 0 for none.
  std::array<int64_t, 2> block_sizes(int64_t rows) const {
    return {std::min(rows, block_rows), rows % block_rows};
  }
  /// How many threads have been prepared for so many rows.
  int64_t threads_for(int64_t rows) const {
    const auto is_ready = [&](const BoundByRows& own) {
      return std::ranges::all_of(block_sizes(rows), [&](int64_t size) { return size == 0 || own.has(size); });
    };
    return std::ranges::find_if_not(primitives, is_ready) - primitives.begin();
  }
  int64_t scratch_bytes_of_thread() const {
    int64_t most = 0;
    for (const BoundByRows& each : primitives) most = std::max(most, each.scratch_bytes());
    return (most + 63) / 64 * 64;
  }
  Bound bound_for(int64_t rows);
  /// For all of these numbers of rows that are not 0.
  void prepare(BoundByRows& own, std::span<const int64_t> numbers);
  void run(BoundByRows& own, int64_t rows, const float* x, float* y, void* scratch);
};

Dense::Dense(MatrixView<const float> weight, const float* bias, Options options)
    : state_(std::make_unique<State>()) {
  state_->weight = weight;
  state_->bias = bias;
  state_->options = options;
}

Dense::Dense(Dense&&) noexcept = default;
Dense& Dense::operator=(Dense&&) noexcept = default;
Dense::~Dense() = default;

Bound Dense::State::bound_for(int64_t rows) {
  const int64_t in = weight.cols, out = weight.rows;
  const memory::desc any({in, out}, kF32, memory::format_tag::any);
  const auto desc =
      matmul_desc(matrix(rows, in, in, 1), packed_desc.value_or(any), bias_desc(), matrix(rows, out, out, 1),
                  attributes(options.activation, options.accumulate));
  if (!packed_desc) packed_desc = desc.weights_desc();
  Arguments arguments{{DNNL_ARG_SRC, unbound(desc.src_desc())},
                      {DNNL_ARG_WEIGHTS, unbound(desc.weights_desc())},
                      {DNNL_ARG_DST, unbound(desc.dst_desc())}};
  if (bias != nullptr) arguments.emplace(DNNL_ARG_BIAS, memory(bias_desc(), engine(), input(bias)));
  return {dnnl::matmul(desc), std::move(arguments), desc.scratchpad_desc()};
}

void Dense::State::prepare(BoundByRows& own, std::span<const int64_t> numbers) {
  const auto missing = [&](int64_t rows) { return rows != 0 && !own.has(rows); };
  if (std::ranges::any_of(numbers, missing)) own.make_room();
  for (const int64_t rows : numbers) {
    if (missing(rows)) own.insert(rows, bound_for(rows));
  }
}

void Dense::prepare(int64_t rows) {
  State& s = *state_;
  if (s.block_rows == 0) {
    s.primitives.resize(1);
    return s.prepare(s.primitives.front(), {&rows, 1});
  }
  const ThreadCount alone(1);  // a primitive is made for as many threads as run it
  const auto threads = index(std::min<int64_t>(alone.before(), s.blocks(rows)));
  if (s.primitives.size() < threads) s.primitives.resize(threads);
  // The packed form, on which sums depend, is not that of whichever number of rows comes first.
  if (!s.packed_desc) s.bound_for(s.block_rows);
  for (BoundByRows& own : std::span(s.primitives).first(threads)) s.prepare(own, s.block_sizes(rows));
}

int64_t Dense::scratch_bytes() const {
  return std::ssize(state_->primitives) * state_->scratch_bytes_of_thread();
}

bool Dense::packed() const { return state_->packed.size() > 0; }

int64_t Dense::packed_bytes() const { return static_cast<int64_t>(state_->packed_desc->get_size()); }

void Dense::pack(MemoryAccount& account) {
  State& s = *state_;
  s.packed.reserve(account, packed_bytes() / static_cast<int64_t>(sizeof(float)), "packed weights");
  memory source(matrix(s.weight.cols, s.weight.rows, 1, s.weight.stride), engine(), input(s.weight.data));
  memory target(*s.packed_desc, engine(), s.packed.data());
  dnnl::stream stream(engine());
  dnnl::reorder(source, target).execute(stream, source, target);
  stream.wait();
}

void Dense::State::run(BoundByRows& own, int64_t rows, const float* x, float* y, void* scratch) {
  Bound& bound = own.at(rows);
  bound.set(DNNL_ARG_SRC, input(x));
  bound.set(DNNL_ARG_WEIGHTS, packed.data());
  bound.set(DNNL_ARG_DST, y);
  bound.execute(scratch);
}

void Dense::run(int64_t rows, const float* x, float* y, void* scratch) {
  State& s = *state_;
  if (rows == 0) return;
  if (s.block_rows == 0) return s.run(s.primitives.front(), rows, x, y, scratch);
  const int64_t room = s.scratch_bytes_of_thread(), blocks = s.blocks(rows);
  const int64_t threads = std::min({int64_t{omp_get_max_threads()}, s.threads_for(rows), blocks});
  parallel_for(static_cast<int>(threads), blocks, [&](int64_t block, int thread) {
    const OneThread alone;
    const int64_t first = block * s.block_rows;
    s.run(s.primitives[static_cast<size_t>(thread)], std::min(s.block_rows, rows - first),
          x + first * s.weight.cols, y + first * s.weight.rows,
          static_cast<std::byte*>(scratch) + thread * room);
  });
}

struct LayerNorm::State {
  int64_t width;
  const float* weight;
  const float* bias;
  float epsilon;
  BoundByRows primitives;
};

LayerNorm::LayerNorm(int64_t width, const float* weight, const float* bias, float epsilon)
    : state_(std::make_unique<State>(State{width, weight, bias, epsilon, {}})) {}

LayerNorm::LayerNorm(LayerNorm&&) noexcept = default;
LayerNorm& LayerNorm::operator=(LayerNorm&&) noexcept = default;
LayerNorm::~LayerNorm() = default;

void LayerNorm::prepare(int64_t rows) {
  State& s = *state_;
  if (s.primitives.has(rows)) return;
  s.primitives.make_room();
  const auto desc = layer_norm_desc(matrix(rows, s.width, s.width, 1), s.epsilon);
  Arguments arguments{{DNNL_ARG_SRC, unbound(desc.src_desc())},
                      {DNNL_ARG_DST, unbound(desc.dst_desc())},
                      {DNNL_ARG_SCALE, memory(vector(s.width), engine(), input(s.weight))},
                      {DNNL_ARG_SHIFT, memory(vector(s.width), engine(), input(s.bias))}};
  s.primitives.insert(
      rows, Bound(dnnl::layer_normalization_forward(desc), std::move(arguments), desc.scratchpad_desc()));
}

int64_t LayerNorm::scratch_bytes() const { return state_->primitives.scratch_bytes(); }

void LayerNorm::run(int64_t rows, const float* x, float* y, void* scratch) {
  Bound& bound = state_->primitives.at(rows);
  bound.set(DNNL_ARG_SRC, input(x));
  bound.set(DNNL_ARG_DST, y);
  bound.execute(scratch);
}

}  // namespace linformer
