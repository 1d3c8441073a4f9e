"""Oracle of the tokenizer tests: Hugging Face tokenizers.

  make_tok.py fixtures DIR      writes the small tokenizers and expected ids that tests/unit/tok_*.c read
  make_tok.py compare JTOKENIZE SHARED [SEED]
                                compares ids on real vocabularies (GPT-2, Llama 2, Llama 3, Qwen2, Mistral):
                                the declaration of human rights in 112 languages, code, and fuzz
Needs tokenizers; compare also tiktoken and sentencepiece.
"""
import base64
import glob
import json
import os
import random
import subprocess
import sys

from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers,
                        pre_tokenizers as P, processors, trainers)

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace("{1,3}", "")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>"]

PARTS = ["The quick brown fox doesn't jump over the lazy dog's 12345 bones.",
         "Victor jagt zwölf Boxkämpfer quer über den großen Sylter Deich.",
         "Portez ce vieux whisky au juge blond qui fume. À bientôt, là-bas, cœur!",
         "Съешь же ещё этих мягких французских булок, да выпей чаю.",
         "いろはにほへと ちりぬるを 漢字とカナ", "키스의 고유조건은 입술끼리 만나야 한다.",
         "ऋषियों को सताने वाले दुष्ट राक्षसों के राजा", "صِف خَلقَ خَودِ كَمِثلِ الشَمسِ",
         "def f(x):\n    return x + 1  # comment\n\n\nfor i in range(10):\n\tprint(f(i))\n",
         "aaaa aaaaaaa aaaaaaaaaaaa -------- ---- == ===== ........ 0000 00000000",
         "don't I'll we've they're it's he'd I'm DON'T I'LL", "a\u0301e\u0308 \ufb01ne \u212b \u1e9b\u0323 ①②"]


def train_text():
    """Words of a Zipf law over made-up syllables, between lines of real writing: many ties, long runs."""
    rnd = random.Random(7)
    words = ["".join(rnd.choice(["ka", "ro", "mi", "st", "en", "the", "in", "qu", "zz", "é"])
                     for _ in range(rnd.randrange(1, 5))) for _ in range(300)]
    lines = []
    for i in range(260):
        if i % 9 == 0:
            lines.append(PARTS[i // 9 % len(PARTS)])
        lines.append(" ".join(words[min(299, int(rnd.paretovariate(0.7)) - 1)] for _ in range(12)))
    return "\n".join(lines) + "\n"


def cases():
    rnd = random.Random(3)
    pools = [" \t\n\r  ", "abcdeſstrvmlldKİ'’SRTVEML ", "0123456789٠١٢½²Ⅷ", "éüñçßÅǅसสั漢字カナ한국어🙂👩‍👧é",
             "!@#$%^&*()[]{}<>/|_-+=~`.,;:?\"", "\u200b\u00a0\u2028\u3000\ufeff\u0085\u0301\u0327\u2581"]
    out = ["", " ", "  ", "\n", "a", " a", "a ", "hello world", " hello  world ", "<s>x</s>", "x<MASK> y", "x <MASK>y",
           "ab<TIGHT>cd", "ab <TIGHT> cd", "<|endoftext|>a", "Straße Ångström", "x\n\n  y\t\tz \r\n"] + PARTS
    for _ in range(40):
        out.append("".join(rnd.choice(rnd.choice(pools)) if rnd.random() < .9 else rnd.choice(["<MASK>", "it's", "the", "  "])
                           for _ in range(rnd.randrange(1, 30))))
    return out


def byte_level(split=None, norm=None, vocab=420, prefix=False, **kw):
    t = Tokenizer(models.BPE(**kw))
    if norm:
        t.normalizer = norm
    t.pre_tokenizer = (P.ByteLevel(add_prefix_space=prefix) if split is None else
                       P.Sequence(split + [P.ByteLevel(add_prefix_space=False, use_regex=False)]))
    t.decoder = decoders.ByteLevel()
    return t, trainers.BpeTrainer(vocab_size=vocab, min_frequency=2, special_tokens=SPECIAL, show_progress=False,
                                  initial_alphabet=P.ByteLevel.alphabet())


def pieces(model, norm, pre, dec, trainer, **kw):
    t = Tokenizer(model)
    t.normalizer, t.pre_tokenizer, t.decoder = norm, pre, dec
    return t, trainer(show_progress=False, **kw)


def regex(pattern, behavior="isolated", invert=False):
    return P.Split(Regex(pattern), behavior, invert)


def small():
    """name -> (tokenizer, trainer)"""
    bytes256 = [f"<0x{i:02X}>" for i in range(256)]
    spm = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    undo = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                              decoders.Strip(" ", 1, 0)])
    bpe = dict(vocab_size=420, special_tokens=["<unk>", "<s>", "</s>"])
    yield "gpt2", byte_level()
    yield "gpt2-prefix", byte_level(prefix=True)
    yield "llama3", byte_level([regex(LLAMA3)], ignore_merges=True)
    yield "qwen2", byte_level([regex(QWEN2)], normalizers.NFC())
    yield "o200k", byte_level([regex(O200K)])
    yield "digits", byte_level([P.Digits(individual_digits=True), P.Punctuation("contiguous")])
    for b in ("removed", "merged_with_previous", "merged_with_next", "contiguous"):
        yield "split-" + b, byte_level([regex(r"[\s,.]", b)])
    yield "split-invert", byte_level([regex(r"\w+", "isolated", True), P.Split("-", "removed")])
    yield "norms", byte_level([P.Whitespace()], normalizers.Sequence([
        normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Strip(),
        normalizers.Replace(Regex(r"o+"), "0"), normalizers.NFKC()]))
    yield "nfd", byte_level([P.WhitespaceSplit()], normalizers.NFD())
    yield "spm", pieces(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"), spm, None, undo,
                        trainers.BpeTrainer, vocab_size=700, special_tokens=["<unk>", "<s>", "</s>"] + bytes256)
    yield "metaspace", pieces(models.BPE(unk_token="<unk>"), None, P.Metaspace(), decoders.Metaspace(),
                              trainers.BpeTrainer, **bpe, limit_alphabet=60)
    yield "metaspace-first", pieces(models.BPE(unk_token="<unk>", fuse_unk=True), None,
                                    P.Metaspace(prepend_scheme="first", split=False),
                                    decoders.Metaspace(prepend_scheme="first"), trainers.BpeTrainer, **bpe,
                                    limit_alphabet=60)
    suffix = dict(vocab_size=500, special_tokens=["<unk>"], end_of_word_suffix="</w>")
    yield "suffix", pieces(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"), normalizers.Lowercase(), P.Whitespace(),
                           decoders.BPEDecoder(), trainers.BpeTrainer, **suffix)
    yield "suffix-bytes", pieces(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"), normalizers.Lowercase(),
                                 P.Sequence([P.Whitespace(), P.ByteLevel(add_prefix_space=False)]), decoders.ByteLevel(),
                                 trainers.BpeTrainer, **suffix, initial_alphabet=P.ByteLevel.alphabet())
    yield "plain", pieces(models.BPE(unk_token="<unk>"), None, P.Whitespace(), None, trainers.BpeTrainer, **bpe)
    yield "bert", pieces(models.WordPiece(unk_token="[UNK]"), normalizers.BertNormalizer(), P.BertPreTokenizer(),
                         decoders.WordPiece(), trainers.WordPieceTrainer, vocab_size=420,
                         special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    yield "unigram", pieces(models.Unigram(), normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()]),
                            P.Metaspace(), decoders.Metaspace(), trainers.UnigramTrainer, vocab_size=300,
                            special_tokens=["<unk>", "<s>", "</s>"], unk_token="<unk>")


def fixtures(out):
    os.makedirs(out, exist_ok=True)
    text = train_text()
    open(f"{out}/train.txt", "w").write(text)
    for name, split in (("gpt2", None), ("llama3", [regex(LLAMA3)]), ("qwen2", [regex(QWEN2)])):
        t, trainer = byte_level(split, vocab=1500)
        t.train([f"{out}/train.txt"], trainer)
        with open(f"{out}/merges-{name}.txt", "w") as f:
            f.writelines(" ".join(m) + "\n" for m in json.loads(t.to_str())["model"]["merges"])
    with open(f"{out}/cases.jsonl", "w") as f:
        for name, (t, trainer) in small():
            t.train([f"{out}/train.txt"], trainer)
            if not name.startswith("suffix"):
                t.add_tokens([AddedToken("<MASK>", lstrip=True, special=True), AddedToken("<TIGHT>", rstrip=True, normalized=False),
                              AddedToken("the", single_word=True), AddedToken("Straße", normalized=True)])
            if t.token_to_id("<s>") is not None:
                t.post_processor = processors.TemplateProcessing(
                    single="<s> $A </s>", special_tokens=[(x, t.token_to_id(x)) for x in ("<s>", "</s>")])
            t.save(f"{out}/{name}.json", pretty=False)
            for c in cases():
                ids = t.encode(c, add_special_tokens=False).ids
                plain = t.encode(c).ids
                t.encode_special_tokens = True
                guarded = t.encode(c, add_special_tokens=False).ids
                t.encode_special_tokens = False
                row = {"tok": name, "text": c, "ids": ids}
                if plain != ids:
                    row["full"] = plain
                if guarded != ids:
                    row["guarded"] = guarded
                decoded = t.decode(ids, skip_special_tokens=False)
                if decoded != c:
                    row["decoded"] = decoded
                f.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")


def fuzz_texts(shared, seed):
    rnd = random.Random(seed)
    texts = [open(f, encoding="utf-8").read() for f in sorted(glob.glob(shared + "/data/text/udhr/*.txt"))]
    for line in open(shared + "/data/eval/humaneval_even.jsonl"):
        d = json.loads(line)
        texts.append(d["prompt"] + d["canonical_solution"])
    texts.append(open(shared + "/data/text/tinyshakespeare.txt").read()[:200000])
    pools = [" \t\n\r  ", "abcdeſstrvmlldKİ'’SRTVEML ", "0123456789٠١٢௧௨½²Ⅷ", "éüñçßÅǅ̈́हिन्दीสวัสดี漢字カナ한국어🙂👩‍👧‍👦é",
             "!@#$%^&*()[]{}<>/\\|_-+=~`.,;:?\"", "\u200b\u00a0\u2028\u3000\ufeff\u0085\x01\x1f\x7f\u0301\u0327",
             "<|endoftext|><s></s>"]
    for _ in range(4000):
        n, s = rnd.randrange(1, 60), ""
        while len(s) < n:
            k = rnd.random()
            if k < .08:
                c = rnd.randrange(1, 0x110000)
                s += "" if 0xD800 <= c < 0xE000 else chr(c)
            elif k < .3:
                s += rnd.choice([" 's", " 'll", "'T", "'RE", "it's", "hello", " world", "\n\n", "   ", "  \n", "123456",
                                 "\r\n", "def f(x):\n    return x"])
            else:
                p = rnd.choice(pools)
                s += "".join(rnd.choice(p) for _ in range(rnd.randrange(1, 5)))
        texts.append(s)
    return texts


def ours(binary, tok, texts, *opts):
    lines = "\n".join(json.dumps(t, ensure_ascii=False) for t in texts) + "\n"
    r = subprocess.run([binary, "ids", "-t", tok, "--json", "-q", *opts], input=lines.encode(), capture_output=True)
    if r.returncode:
        sys.exit(r.stderr.decode())
    return [json.loads(x) for x in r.stdout.decode().splitlines()]


def compare(binary, shared, seed):
    import sentencepiece
    import tiktoken
    texts = fuzz_texts(shared, seed)
    d = shared + "/data/tokenizers/"
    bad = 0

    def check(name, path, reference, *opts):
        nonlocal bad
        n = 0
        for t, got in zip(texts, ours(binary, path, texts, *opts)):
            want = reference(t)
            if got != want:
                n += 1
                if n < 4:
                    print(f"# {name}: {t[:80]!r}\n#   got  {got[:20]}\n#   want {want[:20]}")
        print(f"{'not ok' if n else 'ok'} - {name}: {len(texts)} texts, {n} differ")
        bad += n

    for name in ("gpt2", "llama2"):
        h = Tokenizer.from_file(d + name + "/tokenizer.json")
        check(name + " tokenizer.json", d + name + "/tokenizer.json",
              lambda t: h.encode(t, add_special_tokens=False).ids, "--special")
    q = Tokenizer(models.BPE.from_file(d + "qwen2/vocab.json", d + "qwen2/merges.txt"))
    q.normalizer = normalizers.NFC()
    q.pre_tokenizer = P.Sequence([regex(QWEN2), P.ByteLevel(add_prefix_space=False, use_regex=False)])
    check("qwen2 vocab.json and merges.txt", d + "qwen2", lambda t: q.encode(t, add_special_tokens=False).ids)
    ranks = {base64.b64decode(x.split()[0]): int(x.split()[1])
             for x in open(d + "llama3/meta-llama-3-8B.tiktoken", "rb") if x.strip()}
    enc = tiktoken.Encoding("llama3", pat_str=LLAMA3, mergeable_ranks=ranks, special_tokens={})
    check("llama3 .tiktoken", d + "llama3", enc.encode_ordinary)
    for path in ("llama2/tokenizer.model", "mistral/tokenizer.model.v1",
                 "mistral/mistral_instruct_tokenizer_240323.model.v3"):
        m = sentencepiece.SentencePieceProcessor(model_file=d + path)
        check(path, d + path, m.encode)
    sys.exit(bad > 0)


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "fixtures":
        fixtures(sys.argv[2])
    elif len(sys.argv) in (4, 5) and sys.argv[1] == "compare":
        compare(sys.argv[2], sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    else:
        sys.exit(__doc__)
