"""Ids of fuzzed strings beside the field's tokenizers, on their real vocabularies, in one run.

  check_tokfuzz.py JTOKENIZE SHARED [N [SEED [VOCABULARY]]]
      N strings (default 20000) for each of GPT-2, Llama 2, Llama 3, Qwen2, Mistral v1 and v3, BERT: random
      code points, mixed scripts, runs of white space, emoji sequences, combining marks, code, very long words.
      Their JSON form is given to `jtokenize ids --json`, and the ids compared one by one with those of
      tokenizers, tiktoken or sentencepiece.  Where the vocabulary is byte-level the same number of strings of
      random bytes, most of them no UTF-8, follow: the peers take only text, so what is checked is that the
      bytes which the ids stand for (by the peer's table) are the input.
Exits 1 if anything differs.  Needs tokenizers, tiktoken, sentencepiece.
"""
import base64
import json
import os
import random
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
import sentencepiece
import tiktoken
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers as P

from make_tok import LLAMA3, QWEN2, regex

BATCH = 20000
SCRIPTS = [(0x20, 0x7E), (0xA0, 0x24F), (0x370, 0x3FF), (0x400, 0x4FF), (0x530, 0x5FF), (0x600, 0x6FF), (0x900, 0x97F),
           (0xE00, 0xE7F), (0x1100, 0x11FF), (0x1E00, 0x1FFF), (0x2000, 0x206F), (0x2150, 0x218F), (0x3040, 0x30FF),
           (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0xFE00, 0xFFFD), (0x1F300, 0x1FAFF), (0x10000, 0x1FFFF)]
SPACE = [" ", "  ", "\t", "\n", "\r\n", "\r", "\u00a0", "\u3000", "\u2028", "\u200b", "\u0085", "\ufeff", "\u1680", "\u202f", "\u2581"]
EMOJI = ["🙂", "👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪", "1️⃣", "❤️", "🤦🏼‍♂️", "\ufe0f", "\u200d", "🏽"]
MARKS = ["\u0301", "\u0327", "\u0308", "\u0338", "\u05b0", "\u064b", "\u093c", "\u0e38", "\u3099", "\u1dce", "ﬁ", "Å", "ẛ̣", "①"]
WORDS = ["the", " and", " of", "It's", "'LL", "'re", "don't", "x+=1;", "def f(x):\n    return x", "<|endoftext|>", "<s>", "</s>",
         "[MASK]", "[INST]", "http://a.b/c?d=e&f#g", "3.14159", "1,000,000", "0x7fff", "Straße", "ĳ", "İstanbul", "ſ", "ǅ",
         "naïve", "ΑΣ", "don’t", "--", "...", "===", "/*", "*/", "{}", "\\n"]


def piece(rnd):
    k = rnd.randrange(100)
    if k < 8:
        c = rnd.randrange(1, 0x110000)
        return "" if 0xD800 <= c < 0xE000 else chr(c)
    if k < 45:
        lo, hi = rnd.choice(SCRIPTS)
        return "".join(chr(rnd.randint(lo, hi)) for _ in range(rnd.randrange(1, 8)))
    if k < 60:
        return rnd.choice(SPACE) * (1 if rnd.random() < .8 else rnd.randrange(1, 40))
    if k < 68:
        return rnd.choice(EMOJI) * rnd.randrange(1, 3)
    if k < 74:
        return rnd.choice("aeiounкαا क") + rnd.choice(MARKS) * rnd.randrange(1, 4)
    if k < 80:
        return str(rnd.randrange(10 ** rnd.randrange(1, 12)))
    return rnd.choice(WORDS)


def text(rnd):
    k = rnd.randrange(2000)
    if k == 0:		# very long words
        letters = rnd.choice(["a", "ab", "abcdefghijklmnopqrstuvwxyz", "а", "é", "漢字", " ", "\n", "=-", "0", "🙂"])
        return "".join(rnd.choice(letters) for _ in range(rnd.randrange(1000, 8000)))
    return "".join(piece(rnd) for _ in range(rnd.randrange(1, 10)))


def octets(rnd):
    n = rnd.randrange(1, 40)
    if rnd.random() < .5:
        b = bytearray(rnd.randbytes(n))
    else:
        b = bytearray(text(rnd)[:n].encode())
        for _ in range(rnd.randrange(1, 4)):
            b[rnd.randrange(len(b) or 1):rnd.randrange(len(b) or 1) + 1] = rnd.randbytes(rnd.randrange(3))
    return bytes(b).replace(b"\n", b"\r") or b"\xff"


def ours(binary, tok, lines, *opts):
    with tempfile.NamedTemporaryFile() as f:
        f.write(b"".join(x + b"\n" for x in lines))
        f.flush()
        r = subprocess.run([binary, "ids", "-t", tok, "-q", "-j1", "--max-line", "64M", *opts, f.name], capture_output=True)
    if r.returncode:
        sys.exit(r.stderr.decode())
    return [json.loads(x) for x in r.stdout.splitlines()]


def hugging(t):
    return lambda texts: [e.ids for e in t.encode_batch_fast(texts, add_special_tokens=False)]


def byte_table(vocab):
    bs = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in bs]
    char = {chr(b): b for b in bs} | {chr(256 + i): b for i, b in enumerate(rest)}
    return {i: bytes(char[c] for c in k) for k, i in vocab.items() if all(c in char for c in k)}


def vocabularies(d):
    """name, path, options, texts -> ids, table of bytes or None"""
    g = Tokenizer.from_file(d + "gpt2/tokenizer.json")
    yield "gpt2", d + "gpt2/tokenizer.json", ["--special"], hugging(g), byte_table(g.get_vocab())
    yield "llama2-json", d + "llama2/tokenizer.json", ["--special"], hugging(Tokenizer.from_file(d + "llama2/tokenizer.json")), None
    ranks = {base64.b64decode(x.split()[0]): int(x.split()[1])
             for x in open(d + "llama3/meta-llama-3-8B.tiktoken", "rb") if x.strip()}
    enc = tiktoken.Encoding("llama3", pat_str=LLAMA3, mergeable_ranks=ranks, special_tokens={})
    yield "llama3", d + "llama3", [], lambda texts: [enc.encode_ordinary(t) for t in texts], {i: b for b, i in ranks.items()}
    q = Tokenizer(models.BPE.from_file(d + "qwen2/vocab.json", d + "qwen2/merges.txt"))
    q.normalizer = normalizers.NFC()
    q.pre_tokenizer = P.Sequence([regex(QWEN2), P.ByteLevel(add_prefix_space=False, use_regex=False)])
    yield "qwen2", d + "qwen2", [], hugging(q), byte_table(q.get_vocab())
    b = Tokenizer(models.WordPiece.from_file(d + "bert/vocab.txt", unk_token="[UNK]", max_input_chars_per_word=100))
    b.normalizer, b.pre_tokenizer = normalizers.BertNormalizer(), P.BertPreTokenizer()
    yield "bert", d + "bert/vocab.txt", [], hugging(b), None
    for name, path in (("llama2", "llama2/tokenizer.model"), ("mistral-v1", "mistral/tokenizer.model.v1"),
                       ("mistral-v3", "mistral/mistral_instruct_tokenizer_240323.model.v3")):
        yield name, d + path, [], sentencepiece.SentencePieceProcessor(model_file=d + path).encode, None


def report(kind, name, n, bad, start):
    print(f"{'not ok' if bad else 'ok'} - {name}: {n} {kind}, {bad} differ ({time.time() - start:.0f} s)", flush=True)


def compare(binary, d, total, seed, only):
    faults = 0
    for name, path, opts, reference, table in vocabularies(d):
        if only and name != only:
            continue
        rnd, bad, start = random.Random(f"{seed} {name}"), 0, time.time()
        for at in range(0, total, BATCH):
            texts = [text(rnd) for _ in range(min(BATCH, total - at))]
            lines = [json.dumps(t, ensure_ascii=False).encode() for t in texts]
            for t, got, want in zip(texts, ours(binary, path, lines, "--json", *opts), reference(texts), strict=True):
                if got == want:
                    continue
                bad += 1
                if bad < 6:
                    k = next((i for i, (x, y) in enumerate(zip(got, want)) if x != y), 0)
                    print(f"# {name}: {t[:100]!r}\n#   got  {got[k:k + 12]}\n#   want {want[k:k + 12]}, from id {k}")
        report("strings", name, total, bad, start)
        faults += bad
        if not table:
            continue
        bad, start = 0, time.time()
        for at in range(0, total, BATCH):
            lines = [octets(rnd) for _ in range(min(BATCH, total - at))]
            for b, ids in zip(lines, ours(binary, path, lines), strict=True):
                if b"".join(table[i] for i in ids) == b or (name == "qwen2" and normal(b) == normal(b"".join(table[i] for i in ids))):
                    continue
                bad += 1
                if bad < 6:
                    print(f"# {name}: {b!r} comes back as {b''.join(table[i] for i in ids)!r}")
        report("strings of bytes", name, total, bad, start)
        faults += bad
    sys.exit(faults > 0)


def normal(b):
    """NFC of what is UTF-8 in b; the rest stays."""
    import unicodedata
    return unicodedata.normalize("NFC", b.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 6:
        sys.exit(__doc__)
    compare(sys.argv[1], sys.argv[2] + "/data/tokenizers/", int(sys.argv[3]) if len(sys.argv) > 3 else 20000,
            sys.argv[4] if len(sys.argv) > 4 else "1", sys.argv[5] if len(sys.argv) > 5 else None)
