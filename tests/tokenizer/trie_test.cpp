// SPDX-License-Identifier: MIT
#include "tokenizer/trie.h"

#include <string>

#include "catch.h"

using linformer::Trie;

TEST_CASE("The longest key that a text begins with is found", "[tokenizer]") {
  Trie trie;
  trie.insert("a", 1);
  trie.insert("abc", 2);
  trie.insert("abcdef", 3);
  CHECK(trie.longest_prefix("abcde").id == 2);
  CHECK(trie.longest_prefix("abcde").length == 3);
  CHECK(trie.longest_prefix("abcdefg").id == 3);
  CHECK(trie.longest_prefix("ab").id == 1);
  CHECK(trie.longest_prefix("b").id == -1);
  CHECK(trie.longest_prefix("").id == -1);
}

TEST_CASE("Only whole keys are found, and the last id of a key counts", "[tokenizer]") {
  Trie trie;
  trie.insert("token", 4);
  trie.insert("token", 9);
  trie.insert("", 5);
  CHECK(trie.find("token") == 9);
  CHECK(trie.find("toke") == -1);
  CHECK(trie.find("tokens") == -1);
  CHECK(trie.find("") == -1);
}

TEST_CASE("A hundred thousand keys of all byte values keep their ids while the table grows", "[tokenizer]") {
  const auto key = [](int i) {
    const auto n = static_cast<unsigned>(i) * 2654435761u;
    return std::string{static_cast<char>(n), static_cast<char>(n >> 8), static_cast<char>(n >> 16),
                       static_cast<char>(n >> 24)};
  };
  Trie trie;
  for (int i = 0; i < 100000; ++i) trie.insert(key(i), i);
  int wrong = 0;
  for (int i = 0; i < 100000; ++i) wrong += trie.find(key(i)) != i;
  CHECK(wrong == 0);
}
