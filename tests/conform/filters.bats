#!/usr/bin/env bats
# What every record filter keeps: programs that read document records from operands or standard
# input and write records.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	bin="$(cd "${J_BIN:-bin}" && pwd)"
	tmp="$BATS_TEST_TMPDIR"
	filters=()
	[ -x "$bin/jfilter" ] && filters=("jfilter" "jfilter signals" "jfilter dedup")
	[ ${#filters[@]} -gt 0 ] || skip "no record filter in $bin"
	make_docs >"$tmp/docs.jsonl"
}

# 300 documents of plain prose that no rule should mind, the first 20 of them twice.
make_docs() {
	awk 'BEGIN {
		n = split("The old mill|A narrow road|My neighbour|The second chapter|Every spring|" \
			"An engineer|The whole town|A small boat|The teacher|Nobody here", who, "|")
		m = split("stood beside the river for many years|led down to the harbour and the market|" \
			"kept a record of the weather in a notebook|explains how the tool should be used|" \
			"was repaired by hand with parts that had been saved|came back when the rain was over|" \
			"has been described by people who saw it", did, "|")
		for (i = 0; i < 320; i++) {
			d = i < 300 ? i : i - 300
			text = ""
			for (k = 0; k < 14; k++)
				text = text who[(d * 7 + k * 3) % n + 1] " of number " d * 31 + k " " \
					did[(d + k * 5) % m + 1] (k % 4 == 3 ? ".\\n\\n" : ". ")
			printf "{\"id\":\"d%d\",\"text\":\"%s\",\"n\":1.50}\n", i, text
		}
	}'
}

fail() {
	echo "$*: status $status" >&2
	[ ! -f "$tmp/err" ] || cat "$tmp/err" >&2
	return 1
}

@test "the output does not depend on -j, nor on operand or standard input" {
	for f in "${filters[@]}"; do
		"$bin/"$f -j 1 "$tmp/docs.jsonl" >"$tmp/one" 2>"$tmp/err"
		"$bin/"$f -j 4 "$tmp/docs.jsonl" >"$tmp/four" 2>"$tmp/err"
		cmp "$tmp/one" "$tmp/four" || { status=1; fail "$f -j"; }
		"$bin/"$f -j 2 <"$tmp/docs.jsonl" >"$tmp/stdin" 2>"$tmp/err"
		cmp "$tmp/one" "$tmp/stdin" || { status=1; fail "$f standard input"; }
		gzip -c "$tmp/docs.jsonl" >"$tmp/docs.bin"
		"$bin/"$f "$tmp/docs.bin" >"$tmp/gz" 2>"$tmp/err"
		cmp "$tmp/one" "$tmp/gz" || { status=1; fail "$f compressed"; }
	done
}

@test "a full device: status 1, no file left" {
	[ -w /dev/full ] || skip "no /dev/full"
	for f in "${filters[@]}"; do
		[ -n "$("$bin/"$f -q "$tmp/docs.jsonl" | head -c 1)" ] || { status=0; fail "$f kept nothing"; }
		status=0
		"$bin/"$f "$tmp/docs.jsonl" >/dev/full 2>"$tmp/err" || status=$?
		[ $status -eq 1 ] || fail "$f >/dev/full"
	done
}

@test "a closed pipe ends the program without a word" {
	for f in "${filters[@]}"; do
		for i in $(seq 1 40); do cat "$tmp/docs.jsonl"; done |
			{ status=0; "$bin/"$f -q 2>"$tmp/err" || status=$?; echo $status >"$tmp/status"; } |
			head -n 1 >/dev/null
		status=$(cat "$tmp/status")
		[ "$status" -eq 141 ] || [ "$status" -eq 0 ] || fail "$f | head"
		[ ! -s "$tmp/err" ] || fail "$f | head said something"
	done
}

@test "truncated compressed input: status 1, no output file" {
	gzip -c "$tmp/docs.jsonl" | head -c 700 >"$tmp/cut.gz"
	for f in "${filters[@]}"; do
		status=0
		"$bin/"$f -o "$tmp/result.jsonl" "$tmp/cut.gz" 2>"$tmp/err" || status=$?
		[ $status -eq 1 ] || fail "$f cut.gz"
		[ ! -e "$tmp/result.jsonl" ] && [ ! -e "$tmp/result.jsonl.prov" ] || fail "$f left a file"
		! ls -A "$tmp" | grep -q 'tmp\.' || fail "$f left a temporary"
	done
}

@test "bad lines are counted, kept by --rejects, and judged by --max-bad" {
	{ head -n 5 "$tmp/docs.jsonl"; echo '{"id":"x","text":'; echo 'not json'; } >"$tmp/bad.jsonl"
	for f in "${filters[@]}"; do
		status=0
		"$bin/"$f --rejects "$tmp/rejects" "$tmp/bad.jsonl" >"$tmp/out" 2>"$tmp/err" || status=$?
		[ $status -eq 0 ] || fail "$f bad.jsonl"
		grep -q "7 in" "$tmp/err" || fail "$f: the count of records read"
		kept=$(wc -l <"$tmp/out")
		dropped=$(wc -l <"$tmp/rejects")
		[ $((kept + dropped)) -eq 7 ] || fail "$f: $kept kept and $dropped refused of 7"
		status=0
		"$bin/"$f --max-bad 1 "$tmp/bad.jsonl" >/dev/null 2>"$tmp/err" || status=$?
		[ $status -eq 3 ] || fail "$f --max-bad 1"
	done
}

@test "members that the program does not know keep their bytes" {
	printf '{ "id" : "a", "weird":  1.50e+2 ,"text":"The cat sat on the mat, and then it slept for a long time; nobody knew why, and it did not matter.","esc":"\\u0041\\/"}\n' >"$tmp/odd.jsonl"
	"$bin/jfilter" signals "$tmp/odd.jsonl" 2>/dev/null >"$tmp/out"
	grep -qF '{ "id" : "a", "weird":  1.50e+2 ,"text":"The cat' "$tmp/out"
	grep -qF '"esc":"\u0041\/"' "$tmp/out"
}

@test "an output file brings its provenance with the hash of the input" {
	"$bin/jfilter" -q -o "$tmp/result.jsonl" "$tmp/docs.jsonl"
	jq -e '.tool == "jfilter" and .jprov == 1' "$tmp/result.jsonl.prov" >/dev/null
	[ "$(jq -r '.inputs[0].sha256' "$tmp/result.jsonl.prov")" = \
		"$(sha256sum "$tmp/docs.jsonl" | cut -d' ' -f1)" ]
	"$bin/jfilter" -q --no-prov -o "$tmp/other.jsonl" "$tmp/docs.jsonl"
	[ ! -e "$tmp/other.jsonl.prov" ]
}

@test "SIGTERM leaves no file behind" {
	mkfifo "$tmp/fifo"
	exec 9<>"$tmp/fifo"
	"$bin/jfilter" -o "$tmp/term.jsonl" <"$tmp/fifo" 2>/dev/null 9>&- &
	pid=$!
	sleep 1
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	exec 9>&-
	[ $status -eq 143 ] || fail "SIGTERM"
	[ ! -e "$tmp/term.jsonl" ]
	! ls -A "$tmp" | grep -q 'term.jsonl.tmp'
}
