#!/usr/bin/env bats
# jfilter decontaminate: evaluation items found in records, dropped or cut, and the measurement.

setup() {
	bin=${J_BIN:-$BATS_TEST_DIRNAME/../../bin}
	tmp=$BATS_TEST_TMPDIR
}

q1='A baker sells forty loaves each morning and twice as many in the afternoon, so how many loaves are sold in five days?'
q2='Which gas do green plants take in from the air?'
q3='The woman opened her umbrella'

sets() {
	printf '{"question":"%s","answer":"600 loaves"}\n{"question":"%s","choices":["oxygen","carbon dioxide"],"gold":1}\n' \
		"$q1" "$q2" >"$tmp/one.jsonl"
	printf 'Question,Best Answer\n"%s","it started to rain, ""hard"""\n' "$q3" >"$tmp/two.csv"
}

# ID TEXT: a record with prose around the text.
page() {
	printf '{"id":"%s","text":"Page %s is about something else, say the weather of %s.\\n\\n%s\\n\\nThat was page %s."}\n' \
		"$1" "$1" "$1" "$2" "$1"
}

decon() {
	"$bin/jfilter" decontaminate -q --against "$tmp/one.jsonl" "$tmp/two.csv" "$@"
}

@test "whole, wrapped and changed items are found, and named" {
	sets
	{
		page clean "Nothing to see: forty loaves, green plants and an umbrella."
		page whole "$q1"
		page wrapped "$(printf '%s' "$q1" | fold -s -w 30 | sed 's/ *$/\\n# /' | tr -d '\n')"
		page changed "$(printf '%s' "$q1" | sed 's/baker/butcher/; s/each/every/')"
		page short "$q2"
		page tiny "$q3 because it started to rain hard"
		page tiny_alone "$q3 and went"
	} >"$tmp/in"
	decon --rejects "$tmp/rej" "$tmp/in" >"$tmp/out"
	[ "$(grep -o '"id":"[a-z_]*"' "$tmp/out" | tr '\n' ' ')" = '"id":"clean" "id":"tiny_alone" ' ]
	grep -qF '"drop":{"rule":"contaminated","value":1,"limit":0.8,"item":"one:0"}' "$tmp/rej"
	[ "$(grep -c '"item":"one:0"' "$tmp/rej")" -eq 3 ]
	[ "$(grep -c '"item":"one:1"' "$tmp/rej")" -eq 1 ]
	[ "$(grep -c '"item":"two:0"' "$tmp/rej")" -eq 1 ]
	# Order and threads change nothing.
	decon -j 4 -M 1M "$tmp/in" | cmp - "$tmp/out"
	decon -j 1 <"$tmp/in" | cmp - "$tmp/out"
	sort -r "$tmp/in" | decon | sort | cmp - <(sort "$tmp/out")
}

@test "cut: what was found goes, the rest stays" {
	sets
	{ page a "$q1"; page b "clean"; printf '{"id":"c","text":"%s"}\n' "$q2"; echo bad; } >"$tmp/in"
	decon --action cut --cuts "$tmp/cuts" --rejects "$tmp/rej" "$tmp/in" >"$tmp/out"
	[ "$(wc -l <"$tmp/out")" -eq 2 ]
	grep -qF '"text":"Page a is about something else, say the weather of a.\n\n?\n\nThat was page a."' "$tmp/out"
	grep -qF '"id":"a"' "$tmp/cuts"
	grep -qF '"item":"one:0"' "$tmp/cuts"
	grep -qF '{"id":"c",' "$tmp/rej"
	grep -qF '"drop":{"rule":"contaminated","cut_bytes":46,"item":"one:1"}' "$tmp/rej"
	grep -qF '"raw":"bad"' "$tmp/rej"
}

@test "what many documents of a source have is boilerplate there, and only there" {
	licence="Permission is hereby granted free of charge to any person obtaining a copy of this software to use it"
	printf '{"prompt":"%s def solve the problem of the seven bridges by walking over each of them once","id":7}\n' "$licence" >"$tmp/e.jsonl"
	for i in $(seq 60); do
		printf '{"id":"s%d","text":"%s. Module %d.","source":{"uri":"https://code.example/m%d"}}\n' "$i" "$licence" "$i" "$i"
	done >"$tmp/in"
	printf '{"id":"leak","text":"%s def solve the problem of the seven bridges by walking over each of them once","source":{"uri":"https://code.example/leak"}}\n' \
		"$licence" >>"$tmp/in"
	printf '{"id":"other","text":"%s","source":{"uri":"https://blog.example/x"}}\n' "$licence" >>"$tmp/in"
	"$bin/jfilter" decontaminate -q --against "$tmp/e.jsonl" --rejects "$tmp/rej" --report "$tmp/report" "$tmp/in" >"$tmp/out"
	[ "$(wc -l <"$tmp/out")" -eq 60 ]
	[ "$(grep -o '"id":"[a-z0-9]*"' "$tmp/rej" | tr '\n' ' ')" = '"id":"leak" "id":"other" ' ]
	grep -qF '"item":"e:7"' "$tmp/rej"
	grep -qF '"boilerplate_hits":60' "$tmp/report"
}

@test "each run measures what it finds" {
	python3 - "$tmp" <<'END'
import json, random, sys
random.seed(2)
words = [a + b + c for a in "bdfglm" for b in "aeiou" for c in ("r", "n", "st", "lk", "mp", "rd", "sh")]
with open(sys.argv[1] + "/e.json", "w") as f:
    json.dump([{"id": i, "question": " ".join(random.choice(words) for _ in range(random.randint(9, 40))),
                "answer": random.choice(words)} for i in range(300)], f)
with open(sys.argv[1] + "/in", "w") as f:
    for i in range(50):
        print(json.dumps({"id": str(i), "text": " ".join(random.choice(words) for _ in range(300))}), file=f)
END
	"$bin/jfilter" decontaminate --against "$tmp/e.json" --inject 300 --report "$tmp/r1" -o "$tmp/out" "$tmp/in" 2>"$tmp/err"
	cmp "$tmp/in" "$tmp/out"
	grep -q 'of 300 items put in: found 100.0 % as they are, 100.0 % wrapped' "$tmp/err"
	python3 - "$tmp/r1" <<'END'
import json, sys
r = json.load(open(sys.argv[1]))
assert r["documents"] == 50 and r["contaminated"] == 0, r
assert r["recall"]["items"] + r["recall_under_13_words"]["items"] == 300, r
for k in "verbatim", "wrapped":
    assert r["recall"][k] == 1 and r["recall_under_13_words"][k] == 1, r
assert r["recall"]["one_word_changed"] > .97, r
assert r["decoys"]["tried"] == 300 and r["decoys"]["found"] < .02, r
END
	"$bin/jfilter" decontaminate -q -j 1 --against "$tmp/e.json" --inject 300 --report "$tmp/r2" "$tmp/in" >/dev/null
	cmp "$tmp/r1" "$tmp/r2"
}

@test "kinds of sets: arrays, options, archives, text, rows without a header" {
	printf '[{"goal":"how to dry a wet book in ten minutes","sol1":"with a fan"}]' >"$tmp/a.json"
	printf '{"context_options":["The cup did not fit into the box because the cup"],"continuation":"was too large."}\n' >"$tmp/b.jsonl"
	printf '"In which of these years did the ""long"" winter in the north begin?",1708,1709,1710,1711,B\n' >"$tmp/c.csv"
	printf 'A paragraph of plain text that\nruns over two lines and has many words.\n\nshort\n' >"$tmp/d.txt"
	tar -C "$tmp" -czf "$tmp/all.tar.gz" a.json b.jsonl c.csv d.txt
	{
		page a "how to dry a wet book in ten minutes"
		page b "the cup did not fit into the box because the cup was too large"
		page c "in which of these years did the long winter in the north begin"
		page d "a paragraph of plain text that runs over two lines and has many words"
		page e "how to dry a paragraph of the cup in the north"
	} >"$tmp/in"
	"$bin/jfilter" decontaminate -q --against "$tmp/all.tar.gz" --rejects "$tmp/rej" "$tmp/in" >"$tmp/out"
	[ "$(wc -l <"$tmp/out")" -eq 1 ]
	[ "$(grep -o '"item":"[a-d]:0"' "$tmp/rej" | wc -l)" -eq 4 ]
	mkdir "$tmp/folder"
	cp "$tmp/a.json" "$tmp/b.jsonl" "$tmp/c.csv" "$tmp/d.txt" "$tmp/folder"
	"$bin/jfilter" decontaminate -q --against "$tmp/folder" -- "$tmp/in" | cmp - "$tmp/out"
}

@test "real sets: items are found, plain documentation is not" {
	dir="${J_TEST_SHARED:-../shared}/data/eval"
	[ -d "$dir" ] || skip "no $dir"
	{
		printf '{"id":"docs","text":"The open function returns a file object. Its first argument is a string with the name of the file."}\n'
		sed -n 17p "$dir/gsm8k_test.jsonl" | sed 's/^{/{"id":"leak",/; s/"question"/"text"/'
	} >"$tmp/in"
	"$bin/jfilter" decontaminate --against "$dir/gsm8k_test.jsonl" "$dir/arc_easy.jsonl" "$dir/TruthfulQA.csv" \
		--report "$tmp/r" --rejects "$tmp/rej" -o "$tmp/out" "$tmp/in" 2>"$tmp/err"
	[ "$(grep -o '"id":"[a-z]*"' "$tmp/out")" = '"id":"docs"' ]
	grep -qF '"item":"gsm8k_test:16"' "$tmp/rej"
	sed -n 2p "$tmp/err" | sed 's/^/# /' >&3
	python3 - "$tmp/r" <<'END'
import json, sys
r = json.load(open(sys.argv[1]))
assert r["recall"]["verbatim"] > .99 and r["recall"]["wrapped"] > .97 and r["recall"]["one_word_changed"] > .91, r
assert r["decoys"]["found"] < .02, r
END
}

@test "mistakes are refused" {
	sets
	page a x >"$tmp/in"
	for o in "" "--against $tmp/absent" "--against $tmp/one.jsonl --share 0" "--against $tmp/one.jsonl --ngram 4" \
		"--against $tmp/one.jsonl --common 200%" "--against $tmp/one.jsonl --action keep"; do
		run "$bin/jfilter" decontaminate -q $o -o "$tmp/o" "$tmp/in"
		[ "$status" -ne 0 ] || { echo "$o" >&2; return 1; }
		[ ! -e "$tmp/o" ]
	done
	echo '{"question":"cut' >"$tmp/bad.jsonl"
	run "$bin/jfilter" decontaminate -q --against "$tmp/bad.jsonl" -o "$tmp/o" "$tmp/in"
	[ "$status" -eq 1 ]
	[[ "$output" == *"bad.jsonl"* ]]
}
