#!/usr/bin/env bats
# jfilter dedup --by line, paragraph, substring, against plain references.

setup() {
	bin=${J_BIN:-$BATS_TEST_DIRNAME/../../bin}
	ref=$BATS_TEST_DIRNAME/../ref
	tmp=$BATS_TEST_TMPDIR
}

# SEED COUNT: texts made of shared snippets, whole and cut, in several scripts, with all line ends.
corpus() {
	python3 - "$1" "$2" <<'END'
import json, random, sys
random.seed(int(sys.argv[1]))
words = ["alpha", "beta", "g\u00e4mma", "\u03b4\u03ad\u03bb\u03c4\u03b1", "epsilon", "\u4e2d\u6587", "x", "y1", "kappa.", "mu,"]
def text(n, tail=""):
    return " ".join(random.choice(words) + tail for _ in range(n))
snippets = [text(random.randint(4, 40)) for _ in range(25)]
for i in range(int(sys.argv[2])):
    t = ""
    for _ in range(random.randint(1, 12)):
        c, s = random.random(), random.choice(snippets)
        if c < .45:
            t += s
        elif c < .8:
            t += text(random.randint(1, 25), str(random.randint(0, 9)))
        elif c < .85:
            t += "-" * random.randint(5, 200)
        else:
            t += s[random.randint(0, len(s) // 2):]
        t += random.choice(["\n", "\n\n", " ", "\r\n", "\n\n\n", "\u2028"])
    print(json.dumps({"id": "d%04d" % i, "text": t}, ensure_ascii=random.random() < .5))
END
}

@test "substrings: what goes is what a plain search finds, for any length" {
	for seed in 1 2; do
		corpus $seed 120 >"$tmp/in"
		for n in 16 40 100 200; do
			"$bin/jfilter" dedup -q --by substring --min-bytes $n --keep first --rejects "$tmp/rej" "$tmp/in" >"$tmp/out"
			python3 "$ref/check_dedup.py" substring $n "$tmp/in" "$tmp/out"
			[ $(($(wc -l <"$tmp/out") + $(wc -l <"$tmp/rej"))) -eq 120 ]
		done
	done
}

@test "substrings: order, threads and memory change nothing" {
	corpus 3 150 >"$tmp/in"
	"$bin/jfilter" dedup -q --by substring --min-bytes 60 -j 1 "$tmp/in" >"$tmp/one"
	"$bin/jfilter" dedup -q --by substring --min-bytes 60 -j 4 -M 1M "$tmp/in" | cmp - "$tmp/one"
	sort -r "$tmp/in" | "$bin/jfilter" dedup -q --by substring --min-bytes 60 | sort | cmp - <(sort "$tmp/one")
}

@test "lines and paragraphs: the first of equal ones stays" {
	for seed in 4 5; do
		corpus $seed 150 >"$tmp/in"
		for by in line paragraph; do
			"$bin/jfilter" dedup -q --by $by --keep first "$tmp/in" >"$tmp/out"
			python3 "$ref/check_dedup.py" units $by "$tmp/in" "$tmp/out"
			"$bin/jfilter" dedup -q --by $by -j 1 "$tmp/in" >"$tmp/one"
			"$bin/jfilter" dedup -q --by $by -j 4 -M 1M "$tmp/in" | cmp - "$tmp/one"
			sort -r "$tmp/in" | "$bin/jfilter" dedup -q --by $by | sort | cmp - <(sort "$tmp/one")
		done
	done
}

@test "lines: what goes is told, other members stay as they were" {
	printf '%s\n' '{"id":"a","text":"One line here\nonly a\n}\n","n":1.50}' \
		'{"id":"b","text":"only b\r\none  LINE here\r\n}\n"}' '{"id":"c","text":"ONE line here"}' \
		'{"id":"p","prompt":"one line here"}' 'bad' >"$tmp/in"
	"$bin/jfilter" dedup --by line --keep first --cuts "$tmp/cuts" --rejects "$tmp/rej" "$tmp/in" >"$tmp/out" 2>"$tmp/err"
	grep -qxF '{"id":"a","text":"One line here\nonly a\n}\n","n":1.50}' "$tmp/out"
	grep -qxF '{"id":"b","text":"only b\r\n}\n"}' "$tmp/out"
	grep -qxF '{"id":"p","prompt":"one line here"}' "$tmp/out"
	grep -qxF '{"id":"b","at":8,"bytes":16,"twin":"a","text":"one  LINE here\r\n"}' "$tmp/cuts"
	grep -qF '"drop":{"rule":"duplicate","cut_bytes":13,"twin":"a"}' "$tmp/rej"
	grep -qF 'cut 2 spans, 29 B' "$tmp/err"
	grep -qF '5 in, 3 out, 2 rejected' "$tmp/err"
}

@test "lines: short ones can be spared" {
	printf '%s\n' '{"id":"a","text":"return 0\nthe same long line"}' \
		'{"id":"b","text":"return 0\nthe same long line\nb"}' >"$tmp/in"
	"$bin/jfilter" dedup -q --by line --min-words 3 --keep first "$tmp/in" | tail -n 1 >"$tmp/out"
	grep -qxF '{"id":"b","text":"return 0\nb"}' "$tmp/out"
}

@test "dolma's paragraphs: the same copies are found" {
	dir="${J_TEST_SHARED:-../shared}/data/dedup/dolma"
	[ -d "$dir" ] || skip "no $dir"
	doc=$(find "$dir" -name 000.json.gz | head -n 1)
	want=$(find "$dir" -name dedupe-paragraphs.json.gz | head -n 1)
	"$bin/jfilter" dedup -q --by line --keep first --cuts "$tmp/cuts" "$doc" >/dev/null
	python3 - "$doc" "$want" "$tmp/cuts" <<'END'
import gzip, json, sys
docs = {}
for line in gzip.open(sys.argv[1], "rt"):
    r = json.loads(line)
    docs[r["id"]] = r["text"]
want = set()
for line in gzip.open(sys.argv[2], "rt"):
    r = json.loads(line)
    for spans in r["attributes"].values():
        for a, b, score in spans:
            text = docs[r["id"]][a:b]
            if score and any(c.isalnum() for c in text):
                want.add((r["id"], a))
got = set()
for line in open(sys.argv[3]):
    r = json.loads(line)
    text = docs[r["id"]].encode()
    at = len(text[:r["at"]].decode())
    for part in text[r["at"]:r["at"] + r["bytes"]].decode().split("\n"):
        if any(c.isalnum() for c in part):
            got.add((r["id"], at))
        at += len(part) + 1
print(len(want), "expected,", len(got), "found,", len(want - got), "missed")
sys.exit(bool(want - got))
END
}

@test "options that do not go together are refused" {
	printf '{"id":"a","text":"x"}\n' >"$tmp/in"
	for o in "--by word" "--by line --clusters $tmp/c" "--by line --index $tmp/i" "--cuts $tmp/c" \
		"--by line --min-words 0" "--by substring --min-bytes 3" "--shard 1/2" "--work $tmp/w" \
		"--work $tmp/w --step sign --shard 3/2" "--work $tmp/w --step merge --shard 1/2" \
		"--work $tmp/w --step sign --limit 1" "--work $tmp/w --step apply --index $tmp/i"; do
		run "$bin/jfilter" dedup -q $o "$tmp/in"
		[ "$status" -eq 2 ] || { echo "$o: $status $output" >&2; return 1; }
	done
	run "$bin/jfilter" dedup -q --work "$tmp/w" --step sign <"$tmp/in"
	[ "$status" -eq 2 ]
}
