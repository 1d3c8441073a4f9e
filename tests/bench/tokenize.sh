#!/bin/sh
# Encoding speed beside Hugging Face tokenizers and tiktoken, same file, one thread, one run; two
# threads beside one; megabytes of the worst kind; then training beside the trainer of Hugging Face.  Needs $J_TEST_SHARED and, for the peers,
# $J_PEER_PYTHON (a Python with tokenizers and tiktoken).
cd "$(dirname "$0")/../.." || exit 1
bin=${J_BIN:-bin}
shared=${J_TEST_SHARED:-../shared}
tok=$shared/data/tokenizers/gpt2/tokenizer.json
[ -f "$tok" ] || { echo "tokenize: no $tok: skipped"; exit 0; }
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
# Prose of web pages; each copy's words are shifted a little so that a word cache cannot learn the file.
zcat "$shared/data/text/c4-sample.00000-of-00001.json.gz" | head -n 1000 >"$tmp/c4.jsonl"
for k in 1 2 3 4 5 6 7 8; do
	jq -r --argjson k $k '.text | gsub("(?<w>[A-Z])"; "\(.w)\($k)")' "$tmp/c4.jsonl"
done >"$tmp/prose.txt"
size=$(wc -c <"$tmp/prose.txt")
"$bin/jtokenize" count -t "$tok" -j1 -q "$tmp/prose.txt" >"$tmp/n"
start=$(date +%s%N)
"$bin/jtokenize" count -t "$tok" -j1 -q "$tmp/prose.txt" >/dev/null
end=$(date +%s%N)
start0=$(date +%s%N)
"$bin/jtokenize" count -t "$tok" -j1 -q /dev/null >/dev/null
end0=$(date +%s%N)
awk -v b="$size" -v t=$((end - start - end0 + start0)) -v n="$(cat "$tmp/n")" 'BEGIN {
	printf "jtokenize  GPT-2 prose, 1 thread  %.1f MB/s  %s\n", b / t * 1000, n }'

# Wall time of a command in ns, the least of five.
least() {
	best=
	for i in 1 2 3 4 5; do
		a=$(date +%s%N)
		"$@" >/dev/null
		b=$(($(date +%s%N) - a))
		[ -n "$best" ] && [ "$best" -le $b ] || best=$b
	done
	echo $best
}
load=$(least "$bin/jtokenize" count -t "$tok" -j1 -q /dev/null)
for k in 1 2 3 4; do
	head -c $((size / 4)) "$tmp/prose.txt" | jq -R -c '{text: .}' >"$tmp/part$k.jsonl"
done
one=$(least "$bin/jtokenize" encode -t "$tok" -j1 -q --no-prov -o "$tmp/1.jsh" "$tmp"/part?.jsonl)
two=$(least "$bin/jtokenize" encode -t "$tok" -j2 -q --no-prov -o "$tmp/2.jsh" "$tmp"/part?.jsonl)
awk -v l="$load" -v a="$one" -v b="$two" 'BEGIN {
	printf "jtokenize  encode, two threads    %.2f times one (%.2f s, %.2f s, loading not counted)\n",
		(a - l) / (b - l), a / 1e9, b / 1e9 }'
awk 'BEGIN { for (i = 0; i < 1000000; i++) printf "a" }' >"$tmp/one character"
awk 'BEGIN { srand(1); for (i = 0; i < 1000000; i++) printf "%c", 97 + rand() * 26 }' >"$tmp/random letters"
fold -w 9 "$tmp/random letters" >"$tmp/random words"
for kind in "one character" "random letters" "random words"; do
	t=$(least "$bin/jtokenize" count -t "$tok" -j1 -q "$tmp/$kind")
	echo "jtokenize  a megabyte of $kind: $(((t - load) / 1000000)) ms"
done
py=${J_PEER_PYTHON:-}
if [ -n "$py" ]; then
	RAYON_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false "$py" - "$tok" "$tmp/prose.txt" <<'EOF'
import json, sys, time
text = open(sys.argv[2], newline="").read()
size = len(text.encode())
from tokenizers import Tokenizer
t = Tokenizer.from_file(sys.argv[1])
lines = text.splitlines(True)
s = time.time(); n = sum(len(e.ids) for e in t.encode_batch_fast(lines)); d = time.time() - s
print(f"tokenizers GPT-2 prose, 1 thread  {size / d / 1e6:.1f} MB/s  tokens {n} (by line)")
import tiktoken
v = json.load(open(sys.argv[1]))["model"]["vocab"]
bs = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256)); cs = bs[:]
for b in range(256):
    if b not in bs:
        bs.append(b); cs.append(256 + len(bs) - 189)
u = {chr(c): b for b, c in zip(bs, cs)}
ranks = {bytes(u[c] for c in k): i for k, i in v.items() if all(c in u for c in k) and k != "<|endoftext|>"}
pat = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
e = tiktoken.Encoding("gpt2", pat_str=pat, mergeable_ranks=ranks, special_tokens={})
s = time.time(); n = len(e.encode_ordinary(text)); d = time.time() - s
print(f"tiktoken   GPT-2 prose, 1 thread  {size / d / 1e6:.1f} MB/s  tokens {n}")
EOF
fi
start=$(date +%s%N)
"$bin/jtokenize" train -v 16000 -o "$tmp/tok" --no-prov -q "$tmp/prose.txt"
end=$(date +%s%N)
awk -v t=$((end - start)) 'BEGIN { printf "jtokenize  train 16000             %.2f s\n", t / 1e9 }'
if [ -n "$py" ]; then
	"$py" - "$tmp/prose.txt" <<'EOF'
import sys, time
from tokenizers import Regex, Tokenizer, models, pre_tokenizers as P, trainers
t = Tokenizer(models.BPE())
pat = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
t.pre_tokenizer = P.Sequence([P.Split(Regex(pat), "isolated"), P.ByteLevel(add_prefix_space=False, use_regex=False)])
s = time.time()
t.train([sys.argv[1]], trainers.BpeTrainer(vocab_size=16000, min_frequency=2, show_progress=False, initial_alphabet=P.ByteLevel.alphabet()))
print(f"tokenizers train 16000             {time.time() - s:.2f} s")
EOF
fi
