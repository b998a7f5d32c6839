// SPDX-License-Identifier: MIT
// The options of linformer bench, and what they say of the sweep.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/sweep.h"
#include "options.h"
#include "report_places.h"

namespace linformer::cli {

struct BenchCommand {
  CommonOptions common;
  Level level = Level::kAttention;
  std::string model;              ///< empty: roberta-base, unless there is a checkpoint
  std::string checkpoint;         ///< empty: random weights, or values
  std::vector<std::string> text;  ///< what the heads of a checkpoint read
  std::string ids;
  std::string layers;  ///< whose heads; empty: all
  std::string dtypes = "f32";
  std::string mechanisms = "standard;flash;linformer";
  std::string lengths = "512..8192*2";
  std::string queries;  ///< empty: as many as n
  std::string k = "128,256";
  std::string heads;       ///< empty: 12, or those of the model
  std::string head_sizes;  ///< empty: 64, or that of the model
  std::string batches = "1";
  int64_t tokens = 0;
  bool causal = false;
  double score_deviation = 0;  ///< 0: 1, or what follows from the weights
  std::string references;      ///< empty: those of standard and flash that are in the sweep
  std::string budget = "60s";
  bool cold = false;
  bool list = false;
  std::string fit_batch;  ///< memory that batches must fit; empty: times are measured
  ResumeOptions resume;
};

void add_bench_options(CLI::App& app, BenchCommand& command);

/// Throws Error(kUsage) for options that this level cannot take.
void check_level(const BenchCommand& command);

/// The files of a checkpoint, --text and --ids.
std::vector<std::string> files_read(const BenchCommand& command, const Session& session);

/// --threads, or as many as usual.
std::vector<int> thread_list(const BenchCommand& command, int usual);

/// Of attention alone; a model's sizes are put in their places afterwards.
SweepOptions sweep_options(const BenchCommand& command, int usual_threads);

/// What ratios are to: what is named, else those of standard and flash that are in the sweep. Throws
/// Error(kUsage) for one that is named and not in the sweep.
std::vector<std::string> bench_references(const BenchCommand& command, const std::vector<BenchCell>& cells);

}  // namespace linformer::cli
