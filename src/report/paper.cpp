// SPDX-License-Identifier: MIT
#include "report/paper.h"

#include "io/embedded.h"
#include "io/json.h"
#include "report/field.h"

namespace linformer {
namespace {

// A table that is built in; what points into it lives no longer.
class PaperTable {
 public:
  explicit PaperTable(int number)
      : name_("data/paper/table" + std::to_string(number) + ".json"),
        json_(parse_json(embedded_paper_table(number), name_)) {}

  Field root() const { return {json_, name_}; }

 private:
  std::string name_;
  nlohmann::json json_;
};

}  // namespace

std::vector<PublishedComplexity> published_table1() {
  const PaperTable table(1);
  std::vector<PublishedComplexity> rows;
  for (const Field& row : table.root()["rows"].items()) {
    const auto exponent = row.find("exponent");
    rows.push_back({.architecture = row["architecture"].text(),
                    .per_layer = row["complexity_per_layer"].text(),
                    .sequential = row["sequential_operations"].text(),
                    .exponent = exponent ? std::optional(exponent->number()) : std::nullopt});
  }
  return rows;
}

std::vector<PublishedAccuracy> published_table2() {
  const PaperTable table(2);
  std::vector<PublishedAccuracy> rows;
  for (const Field& row : table.root()["rows"].items()) {
    rows.push_back({.length = row["n"].integer(),
                    .model = row["model"].text(),
                    .sst2 = row["SST-2"].number(),
                    .imdb = row["IMDB"].number(),
                    .qnli = row["QNLI"].number(),
                    .qqp = row["QQP"].number(),
                    .average = row["average"].number()});
  }
  return rows;
}

std::vector<PublishedSaving> published_table3() {
  const PaperTable table(3);
  const std::vector<int64_t> lengths = table.root()["lengths"].integers(), ks = table.root()["k"].integers();
  const std::vector<Field> times = table.root()["time_saved"].items(lengths.size());
  const std::vector<Field> memories = table.root()["memory_saved"].items(lengths.size());
  std::vector<PublishedSaving> cells;
  for (size_t i = 0; i < lengths.size(); ++i) {
    const std::vector<Field> time = times[i].items(ks.size()), memory = memories[i].items(ks.size());
    for (size_t j = 0; j < ks.size(); ++j) {
      if (time[j].is_null()) continue;
      cells.push_back(
          {.length = lengths[i], .k = ks[j], .time = time[j].number(), .memory = memory[j].number()});
    }
  }
  return cells;
}

}  // namespace linformer
