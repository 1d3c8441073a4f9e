"""Makes the seeds of the fuzzers tokjson, spm and shard: small, whole and cut ones.
usage: fuzz_seeds_tok.py JTOKENIZE tests/fuzz/seeds     (from the root of the tree)"""
import json
import os
import struct
import subprocess
import sys

jtokenize, out = map(os.path.abspath, sys.argv[1:])
tok = os.path.abspath("tests/ref/tok/gpt2.json")
os.chdir(out)


def put(name, data):
    open(name, "wb").write(data)


def bpe(**kw):
    d = {"version": "1.0", "added_tokens": [{"id": 5, "content": "<s>", "single_word": False, "lstrip": True, "rstrip": True,
                                             "normalized": True, "special": True}],
         "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Lowercase"}, {"type": "StripAccents"}]},
         "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True, "use_regex": True},
         "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                            {"Sequence": {"id": "A", "type_id": 0}}], "special_tokens": {"<s>": {"ids": [5]}}},
         "decoder": {"type": "ByteLevel"},
         "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "aa": 3, "aaaa": 4}, "merges": [["a", "a"], ["a", "b"], "aa aa"]}}
    d.update(kw)
    return json.dumps(d).encode()


put("tokjson/bytes", bpe())
put("tokjson/split", bpe(pre_tokenizer={"type": "Sequence", "pretokenizers": [
    {"type": "Split", "pattern": {"Regex": r"[^\s\w]+|\w\W*"}, "behavior": "MergedWithNext", "invert": True},
    {"type": "Digits", "individual_digits": True}, {"type": "Punctuation", "behavior": "Contiguous"}]}))
put("tokjson/metaspace", bpe(normalizer=None, decoder={"type": "Metaspace"}, post_processor=None,
                             pre_tokenizer={"type": "Metaspace", "prepend_scheme": "first", "split": False},
                             model={"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], ["\u2581", -1], ["a", -2.5], ["aa", -3]]}))
put("tokjson/bert", bpe(normalizer={"type": "BertNormalizer"}, pre_tokenizer={"type": "BertPreTokenizer"}, decoder={"type": "WordPiece"},
                        model={"type": "WordPiece", "unk_token": "[UNK]", "vocab": {"[UNK]": 0, "a": 1, "##a": 2, "the": 3}}))
put("tokjson/suffix", bpe(model={"type": "BPE", "end_of_word_suffix": "</w>", "unk_token": "a", "fuse_unk": True, "byte_fallback": True,
                                 "vocab": {"a": 0, "a</w>": 1, "aa</w>": 2, "<0x41>": 3}, "merges": ["a a</w>"]}))
put("tokjson/tiktoken", b"YQ== 0\nYg== 1\nYWI= 2\nYWFh 3\n")
put("tokjson/cut", bpe()[:-40])


def field(n, data):
    return bytes([n << 3 | 2, len(data)]) + data


def piece(s, score, kind=1):
    return field(1, field(1, s.encode()) + b"\x15" + struct.pack("<f", score) + bytes([0x18, kind]))


pieces = piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3) + piece("<0x41>", 0, 6) + piece("x", 0, 4) + \
    piece("\u2581", -1) + piece("a", -2) + piece("aa", -3) + piece("\u2581a", -4)
norm = field(3, bytes([0x18, 1, 0x20, 1]))
put("spm/bpe", pieces + field(2, bytes([0x18, 2, 0x98, 2, 1])) + norm)
put("spm/unigram", pieces + field(2, bytes([0x18, 1])) + norm)
put("spm/charsmap", pieces + field(3, field(2, struct.pack("<IIII", 12, 0x400, 0x141, 0) + b"b\0")))
put("spm/cut", (pieces + norm)[:-9])
bin_ = struct.pack("<I", 5)
for s in ["<unk>", "\n<s>\n", "</s>"] + [f"<0x{i:02X}>" for i in range(3)] + ["a", " a", "aa"]:
    bin_ += struct.pack("<fI", -len(s), len(s)) + s.encode()
put("spm/llama2c", bin_)
put("spm/llama2c_cut", bin_[:-1])


def string(x):
    return struct.pack("<Q", len(x)) + x.encode()


def strings(key, v):
    return string(key) + struct.pack("<IIQ", 9, 8, len(v)) + b"".join(map(string, v))


put("spm/gguf", b"GGUF" + struct.pack("<IQQ", 3, 0, 4) + string("tokenizer.ggml.model") + struct.pack("<I", 8) + string("gpt2") +
    string("tokenizer.ggml.pre") + struct.pack("<I", 8) + string("default") +
    strings("tokenizer.ggml.tokens", ["a", "b", "ab"]) + strings("tokenizer.ggml.merges", ["a b"]))
for name, opts in (("empty", []), ("packed", ["--pack", "4"])):
    put("shard/" + name, subprocess.run([jtokenize, "encode", "-q", "-t", tok, *opts], input=b"", stdout=subprocess.PIPE,
                                        check=True).stdout)
