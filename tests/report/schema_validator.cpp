// SPDX-License-Identifier: MIT
#include "report/schema_validator.h"

#include <rapidjson/document.h>
#include <rapidjson/schema.h>
#include <rapidjson/stringbuffer.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace linformer {
namespace {

rapidjson::Document parse(const std::string& text, const std::string& subject) {
  rapidjson::Document document;
  document.Parse(text.c_str());
  if (document.HasParseError()) throw std::runtime_error(subject + " is no JSON");
  return document;
}

std::string pointer_text(const rapidjson::SchemaDocument::PointerType& pointer) {
  rapidjson::StringBuffer buffer;
  pointer.StringifyUriFragment(buffer);
  return buffer.GetString();
}

}  // namespace

std::vector<std::string> schema_errors(const nlohmann::json& report, const std::string& schema_path) {
  std::ifstream file(schema_path);
  if (!file) throw std::runtime_error("cannot read " + schema_path);
  std::ostringstream text;
  text << file.rdbuf();
  const rapidjson::Document schema_text = parse(text.str(), schema_path);
  const rapidjson::SchemaDocument schema(schema_text);
  rapidjson::SchemaValidator validator(schema);
  if (parse(report.dump(), "the report").Accept(validator)) return {};
  return {pointer_text(validator.GetInvalidDocumentPointer()) + ": " + validator.GetInvalidSchemaKeyword() +
          " of " + pointer_text(validator.GetInvalidSchemaPointer())};
}

}  // namespace linformer
