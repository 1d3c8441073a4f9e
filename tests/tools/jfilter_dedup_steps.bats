#!/usr/bin/env bats
# jfilter dedup in steps, in shards, after kills, and against an index of earlier runs.

setup() {
	bin=${J_BIN:-$BATS_TEST_DIRNAME/../../bin}
	root=$BATS_TEST_DIRNAME/../..
	tmp=$BATS_TEST_TMPDIR
}

# COUNT records in FILES files: originals, near and exact copies, bad lines, shared lines.
corpus() {
	awk -v n="$1" -v files="$2" -v out="$tmp/in" 'BEGIN {
		srand(7)
		for (i = 0; i < n; i++) {
			f = out "." int(i * files / n) ".jsonl"
			if (i % 97 == 50) {
				print "not a record" >f
				continue
			}
			if (i % 3 == 0 || i % 3 == 1 && rand() < .5)
				for (k = 0; k < 60; k++)
					w[k] = "w" int(rand() * 3000)
			else if (rand() < .7)
				w[int(rand() * 60)] = "changed" i
			text = "The head of all pages of this manual\\n" w[0]
			for (k = 1; k < 60; k++)
				text = text (k % 20 ? " " : "\\n") w[k]
			printf "{\"id\":\"%05d\",\"text\":\"%s\"}\n", (i * 7919) % n, text >f
		}
	}'
}

# SHARDS OPTIONS...: the three steps one after another.
in_shards() {
	local n=$1 i
	shift
	rm -rf "$tmp/work"
	for i in $(seq "$n"); do
		"$bin/jfilter" dedup -q "$@" --work "$tmp/work" --step sign --shard "$i/$n" "$tmp"/in.*.jsonl
	done
	"$bin/jfilter" dedup -q "$@" --work "$tmp/work" --step merge "$tmp"/in.*.jsonl
	for i in $(seq "$n"); do
		"$bin/jfilter" dedup -q "$@" --work "$tmp/work" --step apply --shard "$i/$n" \
			--rejects "$tmp/work/rej.$i" "$tmp"/in.*.jsonl
	done >"$tmp/out"
	for i in $(seq "$n"); do cat "$tmp/work/rej.$i"; done >"$tmp/rejects"
}

@test "any number of shards gives what one run gives, whatever is compared" {
	corpus 600 7
	for by in document line paragraph substring; do
		"$bin/jfilter" dedup -q --by $by --rejects "$tmp/rej" "$tmp"/in.*.jsonl >"$tmp/one"
		[ "$(wc -l <"$tmp/one")" -lt 600 ]
		for n in 1 3 7 9; do
			in_shards $n --by $by
			cmp "$tmp/out" "$tmp/one"
			cmp "$tmp/rejects" "$tmp/rej"
		done
	done
}

@test "steps that do not fit together are refused" {
	corpus 200 4
	"$bin/jfilter" dedup -q --work "$tmp/w" --step sign --shard 1/2 "$tmp"/in.*.jsonl
	run "$bin/jfilter" dedup -q --work "$tmp/w" --step merge "$tmp"/in.*.jsonl
	[ "$status" -eq 1 ]
	[[ "$output" == *"signatures of 1 of 2 shards"* ]]
	"$bin/jfilter" dedup -q --work "$tmp/w" --step sign --shard 2/2 "$tmp"/in.*.jsonl
	run "$bin/jfilter" dedup -q --shingle 4 --work "$tmp/w" --step merge "$tmp"/in.*.jsonl
	[ "$status" -eq 2 ]
	[[ "$output" == *"made with other options"* ]]
	# One byte of a signature changed: the checksum tells.
	cp "$tmp/w/sign.1-2" "$tmp/good"
	printf 'X' | dd of="$tmp/w/sign.1-2" bs=1 seek=300 conv=notrunc 2>/dev/null
	run "$bin/jfilter" dedup -q --work "$tmp/w" --step merge "$tmp"/in.*.jsonl
	[ "$status" -eq 1 ]
	[[ "$output" == *"wrong checksum"* ]]
	head -c 3000 "$tmp/good" >"$tmp/w/sign.1-2"
	run "$bin/jfilter" dedup -q --work "$tmp/w" --step merge "$tmp"/in.*.jsonl
	[ "$status" -eq 1 ]
	# The input must not change between the steps.
	cp "$tmp/good" "$tmp/w/sign.1-2"
	"$bin/jfilter" dedup -q --work "$tmp/w" --step merge "$tmp"/in.*.jsonl
	sed -i '2s/w/v/' "$tmp/in.0.jsonl"
	run "$bin/jfilter" dedup -q --work "$tmp/w" --step apply --shard 1/2 -o "$tmp/o" "$tmp"/in.*.jsonl
	[ "$status" -eq 1 ]
	[[ "$output" == *"the input changed"* ]]
	[ ! -e "$tmp/o" ]
}

@test "the makefile: killed at ten points and resumed, the same bytes" {
	corpus 3000 6
	"$bin/jfilter" dedup -q "$tmp"/in.*.jsonl >"$tmp/one"
	run_make() {
		make -s -f "$root/pipelines/dedup.mk" -j 2 BIN="$bin" IN="$tmp/in.*.jsonl" WORK="$tmp/mk" SHARDS=5
	}
	for t in 03 05 08 11 15 19 24 30 37 45; do
		[ $((10#$t % 3)) -ne 0 ] || rm -rf "$tmp/mk"
		set -m
		run_make 3>&- >/dev/null 2>&1 &
		set +m
		pid=$!
		sleep "0.$t"
		kill -9 -- "-$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
		run_make
		cat $(seq -f "$tmp/mk/kept.%g-5.jsonl" 5) | cmp - "$tmp/one"
	done
	# Nothing is done twice, and other options do it all again.
	run_make
	make -s -f "$root/pipelines/dedup.mk" BIN="$bin" IN="$tmp/in.*.jsonl" WORK="$tmp/mk" SHARDS=2 OPTS='--keep first'
	"$bin/jfilter" dedup -q --keep first "$tmp"/in.*.jsonl >"$tmp/first"
	cat "$tmp/mk/kept.1-2.jsonl" "$tmp/mk/kept.2-2.jsonl" | cmp - "$tmp/first"
	make -s -f "$root/pipelines/dedup.mk" slurm BIN="$bin" IN="$tmp/in.*.jsonl" WORK="$tmp/mk" SHARDS=2 | sh -n
	make -s -f "$root/pipelines/dedup.mk" parallel BIN="$bin" IN="$tmp/in.*.jsonl" WORK="$tmp/mk" SHARDS=2 | sh -n
}

@test "an index: what earlier runs kept is not kept again" {
	corpus 600 3
	cat "$tmp"/in.*.jsonl >"$tmp/all.jsonl"
	"$bin/jfilter" dedup -q --index "$tmp/idx" "$tmp/in.0.jsonl" >"$tmp/a"
	"$bin/jfilter" dedup -q "$tmp/in.0.jsonl" | cmp - "$tmp/a"
	cp "$tmp/idx" "$tmp/idx0"
	"$bin/jfilter" dedup -q --index "$tmp/idx" --rejects "$tmp/rej" "$tmp/in.1.jsonl" >"$tmp/b"
	"$bin/jfilter" dedup -q --index "$tmp/idx" "$tmp/in.2.jsonl" >"$tmp/c"
	# Nothing of a, b and c together is a copy of anything else there.
	cat "$tmp/a" "$tmp/b" "$tmp/c" >"$tmp/abc"
	"$bin/jfilter" dedup -q "$tmp/abc" | cmp - "$tmp/abc"
	# The same as one run in which the earlier files come first.
	"$bin/jfilter" dedup -q --keep first "$tmp"/in.*.jsonl >"$tmp/first"
	rm "$tmp/idx"
	for i in 0 1 2; do
		"$bin/jfilter" dedup -q --keep first --index "$tmp/idx" "$tmp/in.$i.jsonl"
	done | cmp - "$tmp/first"
	# Known documents, asked for without adding: all go, and the file stays as it is.
	cp "$tmp/idx" "$tmp/before"
	"$bin/jfilter" dedup -q --no-add --index "$tmp/idx" "$tmp/first" >"$tmp/none"
	[ ! -s "$tmp/none" ]
	cmp "$tmp/idx" "$tmp/before"
	# Twins may be documents of the index.
	twin=$(grep -o '"twin":"[0-9]*"' "$tmp/rej" | cut -d '"' -f 4 | sort -u | grep -cFf - "$tmp/a")
	[ "$twin" -gt 0 ]
	run "$bin/jfilter" dedup -q --shingle 3 --index "$tmp/idx" "$tmp/in.0.jsonl"
	[ "$status" -eq 2 ]
	run "$bin/jfilter" dedup -q --index "$tmp/in.0.jsonl" "$tmp/in.1.jsonl"
	[ "$status" -eq 1 ]
	[[ "$output" == *"not a file of jfilter dedup"* ]]
}

@test "an index with shards: the merge adds to it" {
	corpus 400 4
	"$bin/jfilter" dedup -q --index "$tmp/alone" "$tmp"/in.*.jsonl >"$tmp/one"
	rm -rf "$tmp/work"
	for i in 1 2; do
		"$bin/jfilter" dedup -q --work "$tmp/work" --step sign --shard $i/2 "$tmp"/in.*.jsonl
	done
	"$bin/jfilter" dedup -q --work "$tmp/work" --step merge --index "$tmp/idx" "$tmp"/in.*.jsonl
	cmp "$tmp/idx" "$tmp/alone"
}

@test "near duplicates are those of brute force over the sets in the index" {
	corpus 600 1
	"$bin/jfilter" dedup -q --threshold 1 --index "$tmp/idx" "$tmp/in.0.jsonl" >/dev/null
	for t in 0.5 0.8; do
		"$bin/jfilter" dedup -q --threshold $t --rejects "$tmp/rej" "$tmp/in.0.jsonl" >"$tmp/out"
		grep -v '^not' "$tmp/in.0.jsonl" >"$tmp/in"
		grep -v '"raw"' "$tmp/rej" >"$tmp/gone"
		python3 "$root/tests/ref/check_dedup.py" pairs $t "$tmp/idx" "$tmp/in" "$tmp/out" "$tmp/gone"
	done
}
