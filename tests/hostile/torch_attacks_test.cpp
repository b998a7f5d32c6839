// SPDX-License-Identifier: MIT
// PyTorch files that lie: the archive, the pickle in it, and the tensors that it describes.
#include <fstream>
#include <iterator>

#include "allocations.h"
#include "checkpoint/tensor_values.h"
#include "checkpoint/torch_bytes.h"
#include "places.h"

namespace linformer {
namespace {

std::string content_of(const std::string& name) {
  std::ifstream file(fixtures() + "/packagings/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Exit code and message of reading these bytes; empty if they are read.
std::string refusal(const std::string& bytes) {
  const auto error = hostile_error(bytes.size(), [&] { read_weights(bytes); });
  return error ? std::to_string(static_cast<int>(error->code())) + " " + error->what() : "";
}

std::string refusal_of_pickle(const std::string& pickle) { return refusal(torch_zip("\x80\x02" + pickle)); }

const std::string kState = pickled_state(pickled_tensor(6, 0, {6}, {1}));
const ZipFile kPickle{.name = "a/data.pkl", .data = kState};
const ZipFile kStorage{.name = "a/data/0", .data = std::string(24, '\0')};

std::string refusal_of_storage(const ZipFile& storage) { return refusal(zip_bytes({kPickle, storage})); }

TEST_CASE("hostile zip: what the two headers of a file say must be the same") {
  CHECK(refusal_of_storage(kStorage).empty());
  ZipFile f = kStorage;
  f.local_name = "a/data/1";
  CHECK(contains(refusal_of_storage(f), "3 m.bin: a/data/0: another name"));
  f = kStorage;
  f.local_size = 20;
  CHECK(contains(refusal_of_storage(f), "another description"));
  f = kStorage;
  f.local_crc = 8;
  CHECK(contains(refusal_of_storage(f), "another description"));
  f = kStorage;
  f.central_size = 0xfffffff0;
  CHECK(contains(refusal_of_storage(f), "more than the archive has"));
  f = kStorage;
  f.central_size = 0xffffffff;
  CHECK(contains(refusal_of_storage(f), "zip64"));
  f = kStorage;
  f.central_offset = 0xfffffff0;
  CHECK(contains(refusal_of_storage(f), "no local header"));
  f = kStorage;
  f.central_offset = 0;
  CHECK(contains(refusal_of_storage(f), "another name"));
}

TEST_CASE("hostile zip: a descriptor behind the data is held to it") {
  ZipFile f = kStorage;
  f.flags = 8;
  f.local_size = 0;
  f.local_crc = 0;
  f.descriptor = "PK\x07\x08" + le32(7) + le32(24) + le32(24);
  CHECK(refusal_of_storage(f).empty());
  f.descriptor = "PK\x07\x08" + le32(7) + little_endian(24) + little_endian(24);
  CHECK(refusal_of_storage(f).empty());
  f.descriptor = "PK\x07\x08" + le32(7) + le32(24) + le32(23);
  CHECK(contains(refusal_of_storage(f), "3 m.bin"));
  f.descriptor = "PK\x07\x08" + le32(6) + le32(24) + le32(24);
  CHECK(contains(refusal_of_storage(f), "3 m.bin"));
}

TEST_CASE("hostile zip: compressed, encrypted, twice, overlapping") {
  ZipFile f = kStorage;
  f.method = 8;
  CHECK(contains(refusal_of_storage(f), "4 m.bin: a/data/0: a compressed file"));
  f = kStorage;
  f.flags = 1;
  CHECK(contains(refusal_of_storage(f), "4 m.bin: a/data/0: an encrypted file"));
  CHECK(contains(refusal(zip_bytes({kPickle, kStorage, kStorage})), "3 m.bin: a/data/0: two files"));
  f = kStorage;
  f.name = "a/data/1";
  f.local_name = f.name;
  ZipFile inside{.name = f.name, .data = zip_bytes({f})};
  const std::string outer = zip_bytes({kPickle, {.name = "a/data/0", .data = inside.data}});
  const auto at = static_cast<uint32_t>(outer.find(inside.data));
  f.central_offset = at;
  CHECK(contains(refusal(zip_bytes({kPickle, {.name = "a/data/0", .data = inside.data}, f})),
                 "two files at byte"));
}

TEST_CASE("hostile zip: counts and offsets at the end") {
  const std::string whole = zip_bytes({kPickle, kStorage});
  const size_t end = whole.size() - 22;
  for (const auto& [at, value] : {std::pair<size_t, std::string>{10, le16(3)},
                                  {10, le16(1)},
                                  {8, le16(1)},
                                  {12, le32(0)},
                                  {12, le32(0xfffffff0)},
                                  {16, le32(0)},
                                  {16, le32(0xffffffff)},
                                  {4, le16(1)},
                                  {20, le16(1)}}) {
    CAPTURE(at);
    std::string lying = whole;
    lying.replace(end + at, value.size(), value);
    CHECK(refusal(lying).starts_with("3 m.bin"));
  }
  CHECK(refusal(whole + "x").starts_with("3"));
  CHECK(refusal("PK\x03\x04").starts_with("3"));
  const std::string many = whole.substr(0, end) + "PK\x06\x06" + little_endian(44) + le16(45) + le16(45) +
                           little_endian(0) + little_endian(uint64_t{1} << 60) +
                           little_endian(uint64_t{1} << 60) + little_endian(1) + little_endian(0) +
                           "PK\x06\x07" + le32(0) + little_endian(end) + le32(1) + "PK\x05\x06" + le32(0) +
                           le32(~0u) + le32(~0u) + le32(~0u) + le16(0);
  CHECK(refusal(many).starts_with("3 m.bin"));
}

TEST_CASE("hostile pickle: what is not known is refused by its name") {
  const std::pair<std::string, std::string> globals[] = {
      {"os\nsystem", "os.system"},         {"posix\nsystem", "posix.system"},
      {"builtins\neval", "builtins.eval"}, {"__builtin__\ngetattr", "__builtin__.getattr"},
      {"torch\nload", "torch.load"},       {"torch.hub\nload", "torch.hub.load"},
      {"numpy\nload", "numpy.load"},       {"argparse\nFileType", "argparse.FileType"},
      {"fairseqx\ny", "fairseqx.y"},       {"omegaconfx\ny", "omegaconfx.y"},
      {"a\033[2J\nb", "a\\x1b[2J.b"}};
  for (const auto& [global, words] : globals) {
    CAPTURE(words);
    const std::string message = refusal_of_pickle("c" + global + "\n" + pickled("id") + "\x85R.");
    CHECK(message.starts_with("3 m.bin: pickle, byte 2"));
    CHECK(contains(message, words));
  }
  CHECK(contains(refusal_of_pickle("\x93."), "instruction 0x93"));
  CHECK(contains(refusal_of_pickle("ios\nsystem\n."), "instruction 0x69"));
  CHECK(contains(refusal_of_pickle("o."), "instruction 0x6f"));
  CHECK(
      contains(refusal("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e\x80\x04."), "4 m.bin"));
}

TEST_CASE("hostile pickle: stack, memo and types are checked") {
  for (const std::string& pickle : {std::string("."),
                                    std::string("0."),
                                    std::string("s."),
                                    std::string("}s."),
                                    std::string("}NNNs."),
                                    std::string("a."),
                                    std::string("Na."),
                                    std::string("]u."),
                                    std::string("(]Nu."),
                                    std::string("}(Nu."),
                                    std::string("e."),
                                    std::string("t."),
                                    std::string("\x87."),
                                    std::string("NR."),
                                    std::string("NNR."),
                                    std::string(")NR."),
                                    std::string("N)R."),
                                    std::string(")NQ."),
                                    std::string("NQ."),
                                    std::string("q\0.", 3),
                                    std::string("h\0.", 3),
                                    std::string("j\xff\xff\xff\xff."),
                                    std::string("Nb."),
                                    std::string("NNb."),
                                    std::string("NN."),
                                    std::string("(N."),
                                    std::string("}(."),
                                    std::string("N(a."),
                                    std::string("}N(s."),
                                    std::string("X\xff\xff\xff\xff."),
                                    std::string("X\1\0\0\0\xff.", 7),
                                    std::string("\x8a\xff."),
                                    std::string("ctorch._utils\n_rebuild_tensor_v2\n)R."),
                                    std::string("ctorch\nSize\n)R."),
                                    std::string("ctorch\nSize\nN\x85R."),
                                    std::string("ctorch\nFloatStorage\n)R."),
                                    std::string("ctorch._utils\n_rebuild_parameter\nN\x85R."),
                                    std::string("ctorch._tensor\n_rebuild_from_type_v2\n(NNNNtR."),
                                    std::string("ccollections\nOrderedDict\n]Na\x85R."),
                                    std::string("c"),
                                    std::string("cos"),
                                    std::string("}"),
                                    std::string("N."),
                                    std::string("}."),
                                    std::string("].")}) {
    CAPTURE(pickle);
    CHECK(refusal_of_pickle(pickle).starts_with("3 m.bin"));
  }
}

TEST_CASE("hostile pickle: a million levels neither recurse nor stay behind") {
  constexpr size_t kDeep = 1'000'000;
  CHECK(refusal_of_pickle(std::string(kDeep, '(') + ".").starts_with("3"));
  CHECK(refusal_of_pickle(std::string(kDeep, ']') + ".").starts_with("3"));
  CHECK(refusal_of_pickle(std::string(kDeep, ']') + std::string(kDeep - 1, 'a') + ".").starts_with("3"));
  std::string nested = "N";  // ((((None,),),) ... ) beside a tensor, within what the file may take
  nested.append(200'000, '\x85');
  const std::string state =
      "\x80\x02}" + pickled("deep") + nested + "s" + pickled("w") + pickled_tensor(6, 0, {6}, {1}) + "s.";
  CHECK(refusal(torch_zip(state)).empty());
  CHECK(refusal_of_pickle("]q\1h\1a" + std::string(".")).starts_with("3"));  // a list within itself
}

TEST_CASE("hostile pickle: few bytes do not become many objects") {
  const std::string message = "more objects than";
  std::string memo;
  for (uint32_t i = 0; i < 600'000; ++i) memo += "r" + le32(i * 7919);
  CHECK(contains(refusal_of_pickle("N" + memo + "."), message));
  CHECK(contains(refusal_of_pickle(std::string(2'000'000, ']') + "."), message));
  std::string copies = "](]q\1(";
  for (int i = 0; i < 20'000; ++i) copies += "NN\x86";
  copies += "e";
  for (int i = 0; i < 1000; ++i) copies += "ccollections\nOrderedDict\nh\1\x85R";
  CHECK(contains(refusal_of_pickle(copies + "e."), message));
}

TEST_CASE("hostile tensors: views stay within their storage, and every sum is checked") {
  constexpr uint64_t kHuge = uint64_t{1} << 62, kMinus = ~uint64_t{0};
  const auto view = [](uint64_t elements, uint64_t offset, std::vector<uint64_t> sizes,
                       std::vector<uint64_t> strides) {
    return refusal(torch_zip(pickled_state(pickled_tensor(elements, offset, sizes, strides))));
  };
  CHECK(view(6, 0, {6}, {1}).empty());
  CHECK(view(6, 5, {1}, {kHuge}).empty());
  CHECK(view(6, 6, {0}, {1}).empty());
  CHECK(view(6, 0, {0, uint64_t{1} << 40, uint64_t{1} << 40}, {1, uint64_t{1} << 40, 1}).empty());
  for (const std::string& message :
       {view(6, 0, {7}, {1}), view(6, 1, {6}, {1}), view(6, 7, {0}, {1}), view(6, 0, {2, 3}, {3, 2}),
        view(6, kHuge, {1}, {1}), view(6, 0, {kHuge, kHuge}, {1, 1}), view(6, 0, {kHuge}, {kHuge}),
        view(6, 0, {2, 2}, {kHuge, kHuge}), view(6, 0, {3}, {kHuge}), view(6, kMinus, {1}, {1}),
        view(6, 0, {kMinus}, {1}), view(6, 0, {2}, {kMinus}), view(6, 0, {6}, {1, 1}), view(6, 0, {}, {1}),
        view(7, 0, {6}, {1}), view(kHuge, 0, {6}, {1}), view(kMinus, 0, {6}, {1}),
        view(6, 0, {uint64_t{1} << 40}, {0}),
        view(6, 0, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1, 1})}) {
    CHECK(message.starts_with("3 m.bin: tensor 'w': ") == !contains(message, "persistent"));
    CHECK(message.starts_with("3 m.bin"));
  }
  const std::string missing = torch_zip(pickled_state(pickled_tensor(1, 0, {1}, {1}, "../0")));
  CHECK(contains(refusal(missing), "storage '../0' missing"));
  const std::string tensor = pickled("w") + pickled_tensor(6, 0, {6}, {1}) + "s";
  CHECK(contains(refusal_of_pickle("}" + tensor + tensor + "."), "tensor 'w': there twice"));
  CHECK(contains(refusal_of_pickle("}" + pickled("w") + "ctorch._utils\n_rebuild_tensor_v2\n((" +
                                   pickled("module") + "NNNNtQNNNtRs."),
                 "4 m.bin: a whole pickled module"));
}

TEST_CASE("hostile: args that are no options, refer to themselves or repeat a long text are passed over") {
  const auto description = [](const std::string& args) {
    const std::string pickle =
        "\x80\x02}" + pickled("args") + args + "s" + pickled("w") + pickled_tensor(6, 0, {6}, {1}) + "s.";
    const std::string bytes = torch_zip(pickle);
    std::string found;
    CHECK_FALSE(hostile_error(bytes.size(), [&] { found = read_weights(bytes).tensors.description(); }));
    return found;
  };
  const std::string object = "cargparse\nNamespace\n)\x81";
  const std::string heads = pickled("heads") + pickled(uint64_t{4}) + "s";
  CHECK(description(object + "}" + heads + "b") == R"({"heads":4})");
  CHECK(description("}" + heads) == R"({"heads":4})");
  CHECK(description("N").empty());
  CHECK(description("]").empty());
  CHECK(description(object).empty());
  CHECK(description(object + "Nb").empty());
  CHECK(description(object + "q\x01}" + pickled("self") + "h\x01sb").empty());
  CHECK(description(object + "}" + heads + "NNsb") == R"({"heads":4})");
  std::string repeated = object + "}";
  repeated += pickled("long") + pickled(std::string(1 << 20, 'x')) + "q\x02s";
  for (int i = 0; i < 200; ++i) repeated += pickled("a" + std::to_string(i)) + "h\x02s";
  CHECK(description(repeated + heads + "b") == R"({"heads":4})");
}

TEST_CASE("hostile: cut off at any byte, or with any byte changed, nothing but an error comes of it") {
  for (const char* name : {"zip.pt", "legacy.pt"}) {
    const std::string whole = content_of(name);
    REQUIRE(whole.size() > 3000);
    for (size_t size = 0; size < whole.size(); ++size) {
      const std::string message = refusal(whole.substr(0, size));
      if (!message.starts_with('3') && !message.starts_with('4'))
        FAIL(name << " of " << size << ": " << message);
    }
    for (size_t i = 0; i < whole.size(); ++i) {
      std::string changed = whole;
      changed[i] = static_cast<char>(changed[i] ^ (1 << i % 8));
      const std::string message = refusal(changed);
      if (!message.empty() && !message.starts_with('3') && !message.starts_with('4')) FAIL(message);
    }
  }
}

}  // namespace
}  // namespace linformer
