#!/usr/bin/env bats
# jfilter dedup and split: what goes has a kept twin that is as similar as it is said to be; the order
# of the input, the threads and the memory do not matter.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	bin="$(cd "${J_BIN:-bin}" && pwd)"
	[ -x "$bin/jfilter" ] || skip "no jfilter in $bin"
	tmp="$BATS_TEST_TMPDIR"
}

# 600 texts of 80 words: 200 originals, of each a copy with one word changed and one with 30 changed.
corpus() {
	awk 'BEGIN {
		srand(1)
		for (i = 0; i < 200; i++) {
			for (k = 0; k < 80; k++)
				w[k] = "w" int(rand() * 5000)
			for (c = 0; c < 3; c++) {
				changes = c == 0 ? 0 : c == 1 ? 1 : 30
				for (k = 0; k < changes; k++)
					w[(k * 2 + 10) % 80] = "c" int(rand() * 5000)
				text = w[0]
				for (k = 1; k < 80; k++)
					text = text " " w[k]
				printf "{\"id\":\"d%03d.%d\",\"text\":\"%s\"}\n", i, c, text
			}
		}
	}'
}

# The words of the sets of two texts in common over all: reads two lines of text.
similarity() {
	awk '{
		delete seen
		n = split(tolower($0), w, /[^a-z0-9_.]+/)
		for (i = 1; i + 4 <= n; i++) {
			key = w[i] " " w[i + 1] " " w[i + 2] " " w[i + 3] " " w[i + 4]
			if (!(key in seen)) {
				seen[key] = 1
				count[key]++
			}
		}
	}
	END {
		for (k in count) {
			all++
			both += count[k] == 2
		}
		printf "%.6f\n", both / all
	}'
}

text_of() { # ID FILE
	grep -F "\"id\":\"$1\"" "$2" | sed 's/.*"text":"\([^"]*\)".*/\1/'
}

@test "a copy with one word changed goes, one with thirty stays" {
	corpus >"$tmp/in"
	"$bin/jfilter" dedup --threshold 0.8 --rejects "$tmp/rej" "$tmp/in" >"$tmp/out" 2>"$tmp/err"
	[ "$(wc -l <"$tmp/out")" -eq 400 ]
	[ "$(wc -l <"$tmp/rej")" -eq 200 ]
	grep -qF '600 in, 400 out, 200 rejected (near_duplicate 200)' "$tmp/err"
	# The output is in the order of the input.
	grep -vFf <(sed 's/,"drop".*//' "$tmp/rej") "$tmp/in" | cmp - "$tmp/out"
}

@test "the similarity that is told is that of the two texts, and the twin is kept" {
	corpus >"$tmp/in"
	"$bin/jfilter" dedup -q --rejects "$tmp/rej" "$tmp/in" >"$tmp/out"
	sed -n '1p;77p;200p' "$tmp/rej" >"$tmp/some"
	while IFS= read -r line; do
		id=$(sed 's/.*"id":"\([^"]*\)".*/\1/' <<<"$line")
		twin=$(sed 's/.*"twin":"\([^"]*\)".*/\1/' <<<"$line")
		told=$(sed 's/.*"value":\([0-9.]*\).*/\1/' <<<"$line")
		grep -qF "\"id\":\"$twin\"" "$tmp/out"
		true_value=$({ text_of "$id" "$tmp/in"; text_of "$twin" "$tmp/in"; } | similarity)
		[ "$(printf '%.6f' "$told")" = "$true_value" ] || { echo "$id $twin: $told, not $true_value" >&2; return 1; }
	done <"$tmp/some"
}

@test "order, threads, memory and pipes do not change what is kept" {
	corpus >"$tmp/in"
	"$bin/jfilter" dedup -q -j 1 "$tmp/in" >"$tmp/one"
	"$bin/jfilter" dedup -q -j 4 "$tmp/in" | cmp - "$tmp/one"
	"$bin/jfilter" dedup -q -M 1M "$tmp/in" | cmp - "$tmp/one"
	"$bin/jfilter" dedup -q <"$tmp/in" | cmp - "$tmp/one"
	gzip -c "$tmp/in" | "$bin/jfilter" dedup -q | cmp - "$tmp/one"
	sort "$tmp/one" >"$tmp/sorted"
	sort -r "$tmp/in" | "$bin/jfilter" dedup -q | sort | cmp - "$tmp/sorted"
	awk '{ print (NR * 7919) % 601 "\t" $0 }' "$tmp/in" | sort -n | cut -f 2- |
		"$bin/jfilter" dedup -q | sort | cmp - "$tmp/sorted"
}

@test "equal texts: case, white space and line ends aside" {
	printf '%s\n' '{"id":"b","text":"The  same\r\nText"}' '{"id":"a","text":"the same text"}' \
		'{"id":"c","text":"THE SAME TEXT "}' '{"id":"d","text":"another"}' '{"id":"e","text":""}' \
		'{"id":"f","text":" \n"}' >"$tmp/in"
	"$bin/jfilter" dedup -q --rejects "$tmp/rej" --clusters "$tmp/cl" "$tmp/in" >"$tmp/out"
	[ "$(grep -o '"id":"."' "$tmp/out" | tr -d '\n')" = '"id":"b""id":"d""id":"f"' ]
	grep -q '"id":"a".*"drop":{"rule":"duplicate","value":1,"limit":0.8,"twin":"b"}' "$tmp/rej"
	grep -qxF '{"survivor":"b","size":3,"members":[{"id":"c","similarity":1,"exact":true},{"id":"a","similarity":1,"exact":true}]}' "$tmp/cl"
}

@test "--keep decides who stays" {
	printf '%s\n' '{"id":"b","text":"one two three","scores":{"q":1}}' \
		'{"id":"a","text":"One two three","scores":{"q":0.5}}' \
		'{"id":"c","text":"one  two  three","scores":{"q":-2}}' '{"id":"d","text":"one two three"}' >"$tmp/in"
	kept() { "$bin/jfilter" dedup -q --keep "$1" "$tmp/in" | sed 's/.*"id":"\(.\)".*/\1/'; }
	[ "$(kept first)" = b ]
	[ "$(kept longest)" = c ]
	[ "$(kept score:q)" = b ]
	run "$bin/jfilter" dedup --keep best "$tmp/in"
	[ "$status" -eq 2 ]
	run "$bin/jfilter" dedup --threshold 1.5 "$tmp/in"
	[ "$status" -eq 2 ]
}

@test "a chain: who is only like a removed one stays" {
	# Each of three texts has 40 of its 44 words in common with the one before.
	for i in 0 1 2; do
		printf '{"id":"t%d","text":"%s"}\n' $i "$(seq -s ' ' $((i * 4)) $((i * 4 + 43)))"
	done >"$tmp/in"
	"$bin/jfilter" dedup -q --threshold 0.8 "$tmp/in" | grep -o '"id":"t."' >"$tmp/ids"
	[ "$(wc -l <"$tmp/ids")" -eq 2 ]
	"$bin/jfilter" dedup -q --threshold 0.6 "$tmp/in" | grep -o '"id":"t."' >"$tmp/ids"
	[ "$(wc -l <"$tmp/ids")" -eq 1 ]
}

@test "a thousand variants of one page: nothing similar is left" {
	base=$(seq -s ' ' 1000 1099)
	for i in $(seq 1000); do
		printf '{"id":"v%04d","text":"%s x%d"}\n' "$i" "$base" "$i"
	done >"$tmp/in"
	"$bin/jfilter" dedup -q --rejects "$tmp/rej" "$tmp/in" >"$tmp/out"
	[ "$(wc -l <"$tmp/out")" -eq 1 ]
	[ "$(wc -l <"$tmp/rej")" -eq 999 ]
}

@test "bad lines are rejected once, and counted" {
	printf '%s\n' '{"id":"a","text":"x y z"}' 'nonsense' '{"id":"b","text":"x y z"}' '{"id":"n"}' >"$tmp/in"
	"$bin/jfilter" dedup --rejects "$tmp/rej" <"$tmp/in" >"$tmp/out" 2>"$tmp/err"
	grep -qF '4 in, 1 out, 3 rejected' "$tmp/err"
	[ "$(wc -l <"$tmp/rej")" -eq 3 ]
	grep -q '"raw":"nonsense","drop":{"rule":"malformed".*"file":"-","line":2' "$tmp/rej"
	grep -q '"raw":.*"rule":"no_text"' "$tmp/rej"
}

@test "answers copied from one another: nothing above the threshold is left, nothing else goes" {
	dir="${J_TEST_SHARED:-../shared}/data/dedup/plagiarised_short_answers"
	[ -d "$dir" ] || skip "no $dir"
	for f in "$dir"/*.txt; do
		printf '{"id":"%s","text":"%s"}\n' "$(basename "$f" .txt)" \
			"$(tr '\r\n\t' '   ' <"$f" | LC_ALL=C tr -cd '[:print:]' | sed 's/[\\"]/\\&/g')"
	done >"$tmp/in"
	for threshold in 0.2 0.5 0.8; do
		"$bin/jfilter" dedup -q --threshold $threshold --rejects "$tmp/rej" "$tmp/in" >"$tmp/out"
		sed 's/.*"id":"\([^"]*\)","text":"\(.*\)"[,}].*/\1\t\2/; s/","drop".*//' "$tmp/out" >"$tmp/kept.tsv"
		# Brute force over the kept: pairs at or above the threshold.
		left=$(awk -F '\t' -v t=$threshold '{
			n = split(tolower($2), w, /[^a-z0-9_]+/)
			for (i = 1; i + 4 <= n; i++) {
				key = w[i] " " w[i + 1] " " w[i + 2] " " w[i + 3] " " w[i + 4]
				if (!((NR, key) in seen)) {
					seen[NR, key] = 1
					size[NR]++
					split(at[key], other, " ")
					for (k in other)
						both[other[k], NR]++
					at[key] = at[key] " " NR
				}
			}
		}
		END {
			for (p in both) {
				split(p, x, SUBSEP)
				# Word rules differ at the edges: leave a margin.
				if (both[p] / (size[x[1]] + size[x[2]] - both[p]) >= t + 0.02)
					left++
			}
			print left + 0
		}' "$tmp/kept.tsv")
		echo "# threshold $threshold: $(wc -l <"$tmp/rej") of $(wc -l <"$tmp/in") removed, $left similar pairs left" >&3
		[ "$left" -eq 0 ]
	done
}

@test "split: shares, and a document is always in the same part" {
	corpus >"$tmp/in"
	"$bin/jfilter" split -q --valid 10% --valid-file "$tmp/v" --test 5% --test-file "$tmp/t" -o "$tmp/train" "$tmp/in"
	cat "$tmp/train" "$tmp/v" "$tmp/t" | sort | cmp - <(sort "$tmp/in")
	v=$(wc -l <"$tmp/v") t=$(wc -l <"$tmp/t")
	[ "$v" -ge 30 ] && [ "$v" -le 90 ]
	[ "$t" -ge 10 ] && [ "$t" -le 55 ]
	sort -r "$tmp/in" | "$bin/jfilter" split -q -j 1 --valid 0.1 --valid-file "$tmp/v2" >/dev/null
	sort "$tmp/v2" | cmp - <(sort "$tmp/v")
	head -n 100 "$tmp/in" | "$bin/jfilter" split -q --valid 10% --valid-file "$tmp/v3" >/dev/null
	[ "$(grep -cxFf "$tmp/v" "$tmp/v3")" -eq "$(wc -l <"$tmp/v3")" ]
	run "$bin/jfilter" split --valid 10% "$tmp/in"
	[ "$status" -eq 2 ]
	run "$bin/jfilter" split --valid 110% --valid-file "$tmp/v4" "$tmp/in"
	[ "$status" -eq 2 ]
	[ ! -e "$tmp/v4" ]
}
