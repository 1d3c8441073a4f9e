#!/usr/bin/env bats
# jtrain: what enters which step: mixtures, ramps of batch and length, jtrain which; all across a kill.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	d="$BATS_TEST_TMPDIR"
	tok=tests/ref/bytetok
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		printf '{"text":"Document %d: the cat number %d sat on mat %d and looked at the moon."}\n' \
			$i $((i * 7)) $((i * i))
	done >"$d/docs.jsonl"
	for i in 1 2 3 4 5 6; do
		printf '{"text":"zork %d quux %d plugh %d xyzzy %d, again and again."}\n' $i $((i * 17)) $((i * 3)) $i
	done >"$d/other.jsonl"
	run_opts=(--model nano --tokenizer "$tok" --batch 8 --seq 48 --lr 3e-3 --warmup 2 --seed 5 --no-prov -q)
	ramps=(--batch-ramp 2:3,4:6 --seq-ramp 16:4,24:8)
	mix=(--mix "$d/docs.jsonl=3" --mix "$d/other.jsonl=1")
}

stable() {
	sed 's/,"tokens_per_s".*//' "$1"
}

same_run() {
	cmp "$1/model.safetensors" "$2/model.safetensors"
	diff <(stable "$1/metrics.jsonl") <(stable "$2/metrics.jsonl")
}

member() { # NAME DIR
	sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p" "$2/metrics.jsonl" | tr '\n' ' '
}

# Runs jtrain with "$@", killed with -9 N times at points of a seeded list, and ends it.
killed() { # N ARGUMENTS
	local n=$1 hits=0
	shift
	RANDOM=20260301
	while [ $hits -lt "$n" ]; do
		jtrain pretrain "$@" --resume &
		pid=$!
		sleep "0.$(printf '%03d' $((20 + RANDOM % 380)))"
		kill -9 $pid 2>/dev/null || break	# done already
		wait $pid || true
		hits=$((hits + 1))
	done
	[ $hits -gt 0 ]
	jtrain pretrain "$@" --resume
	echo "# killed $hits times" >&3
}

everything() {
	more=("${run_opts[@]}" "${mix[@]}" --steps "$1" --batch-ramp "2:$(($1 / 4)),4:$(($1 / 2))"
		--seq-ramp "16:$(($1 / 3)),24:$(($1 / 2))" --accumulate 2 --ema 0.9 --save-every 1 --keep 2
		--valid "$d/docs.jsonl" --valid-every 7 --outlier-norm 3 --outlier-window 8 --optimizer "$2")
}

@test "mixing, ramps, accumulation and an average: killed anywhere, a run ends with the same bytes" {
	everything 60 adamw
	jtrain pretrain "${more[@]}" -j 2 -o "$d/whole"
	killed 3 "${more[@]}" -j 1 -o "$d/cut"
	same_run "$d/whole" "$d/cut"
}

# bats test_tags=slow
@test "the same at ten points, for each optimizer" {
	for o in adamw muon adamw8bit lion; do
		everything 240 $o
		jtrain pretrain "${more[@]}" -o "$d/whole.$o"
		killed 10 "${more[@]}" -o "$d/cut.$o"
		same_run "$d/whole.$o" "$d/cut.$o"
	done
}

@test "a step without a token that carries loss is left out, and ten in a row end the run" {
	jtrain pretrain "${run_opts[@]}" "${mix[@]}" --steps 24 --batch-ramp 2:24 --seq-ramp 16:24 -o "$d/a"
	[ "$(wc -l <"$d/a/metrics.jsonl")" -eq 24 ]
	n=$(grep -c '"targets":0,.*"left_out":"empty"' "$d/a/metrics.jsonl")
	[ "$n" -gt 0 ]
	[ "$(grep -c '"kind":"empty"' "$d/a/incidents.jsonl")" -eq "$n" ]
	[ -e "$d/a/model.safetensors" ]
	printf '{"text":"a"}\n{"text":"b"}\n' >"$d/short.jsonl"
	run jtrain pretrain "${run_opts[@]}" --data "$d/short.jsonl" --seq 480 --steps 40 --batch-ramp 1:40 \
		--seq-ramp 16:40 -o "$d/b"
	[ "$status" -eq 1 ]
	[[ "$output" == *"no token carried loss in 10 steps in a row"* ]]
	[ ! -e "$d/b/model.safetensors" ]
}

@test "ramps: tokens of each step, units of steps and of tokens, any -j and --recompute" {
	jtrain pretrain "${run_opts[@]}" --data "$d/docs.jsonl" --steps 10 "${ramps[@]}" -j 1 -o "$d/a"
	[ "$(member tokens "$d/a")" = "32 64 96 160 256 352 544 736 1120 1504 " ]
	jtrain pretrain "${run_opts[@]}" --data "$d/docs.jsonl" --steps 10 --batch-ramp 2:96,4:352 \
		--seq-ramp 16:160,24:736 --ramp-by tokens -j 2 --recompute -o "$d/b"
	same_run "$d/a" "$d/b"
	for bad in 2 2:0 0:3 2:3,4:3 2:3, x:3 2:3:4; do
		run jtrain pretrain "${run_opts[@]}" --data "$d/docs.jsonl" --steps 2 --batch-ramp "$bad" -o "$d/c"
		[ "$status" -eq 2 ]
		[[ "$output" == *"--batch-ramp: expected N:UNTIL"* ]]
	done
	run jtrain pretrain "${run_opts[@]}" --data "$d/docs.jsonl" --steps 2 --seq-ramp 20:2 -o "$d/c"
	[ "$status" -eq 2 ]
	[[ "$output" == *"does not divide --seq 48"* ]]
}

@test "a mixture: shares as asked, losses by source, limits, refusals" {
	jtrain pretrain "${run_opts[@]}" "${mix[@]}" --steps 6 -o "$d/a"
	for s in 1 2 3 4 5 6; do
		[ "$(jtrain which --step $s "$d/a" -q | jq .row | uniq | wc -l)" -eq 8 ]
		rows=$(jtrain which --step $s "$d/a" -q | jq 'select(.source | endswith("other.jsonl")).row' |
			uniq | wc -l)
		[ "$rows" -eq 2 ]
	done
	grep -q '"sources":{"'"$d"'/docs.jsonl":{"targets":[0-9]*,"loss":[0-9.]*},"' "$d/a/metrics.jsonl"
	# One source that is mixed is that source.
	jtrain pretrain "${run_opts[@]}" --mix "$d/docs.jsonl=1" --steps 3 -o "$d/one"
	jtrain pretrain "${run_opts[@]}" --data "$d/docs.jsonl" --steps 3 -o "$d/plain"
	cmp "$d/one/model.safetensors" "$d/plain/model.safetensors"
	run jtrain pretrain "${run_opts[@]}" --mix "$d/docs.jsonl=1,1x" --steps 30 -o "$d/b"
	[ "$status" -eq 2 ]
	[[ "$output" == *"--mix: the limits allow"* ]]
	run jtrain pretrain "${run_opts[@]}" "${mix[@]}" --data "$d/docs.jsonl" --steps 3 -o "$d/b"
	[ "$status" -eq 2 ]
	run jtrain pretrain "${run_opts[@]}" --mix "$d/docs.jsonl=0" --steps 3 -o "$d/b"
	[ "$status" -eq 2 ]
	jtrain pretrain "${run_opts[@]}" "${mix[@]}" --steps 4 --save-every 2 -o "$d/c"
	rm "$d/c/config.json" "$d/c/model.safetensors" "$d/c/trainer_state.json"
	run jtrain pretrain "${run_opts[@]}" --mix "$d/docs.jsonl=2" --mix "$d/other.jsonl=1" --steps 4 \
		--save-every 2 -o "$d/c" --resume
	[ "$status" -eq 2 ]
	[[ "$output" == *"--mix was \"3 1\""* ]]
}

@test "which: an epoch has every document, records by line and shards by number" {
	jtrain pretrain "${run_opts[@]}" --data "$d/docs.jsonl" --epochs 1 -o "$d/a"
	steps=$(wc -l <"$d/a/metrics.jsonl")
	[ "$(jtrain which --step "1-$steps" "$d/a" -q | sed 's/.*jsonl:\([0-9]*\)".*/\1/' | sort -nu |
		tr '\n' ' ')" = "1 2 3 4 5 6 7 8 9 10 11 12 " ]
	jtokenize encode -q -t "$tok" -o "$d/shards" "$d/docs.jsonl"
	jtrain pretrain "${run_opts[@]}" --data "$d/shards" --epochs 1 -o "$d/b"
	cmp "$d/a/model.safetensors" "$d/b/model.safetensors"
	diff <(jtrain which --step "1-$steps" "$d/a" -q | jq -c '[.step, .row, (.document | split(":")[1] | tonumber)]') \
		<(jtrain which --step "1-$steps" "$d/b" -q | jq -c '[.step, .row, (.document | split("#")[1] | tonumber + 1)]')
	run jtrain which --step "$((steps + 1))" "$d/a"
	[ "$status" -eq 2 ]
	run jtrain which --step 3-2 "$d/a"
	[ "$status" -eq 2 ]
	echo '{"text":"more"}' >>"$d/docs.jsonl"
	run jtrain which --step 1 "$d/a"
	[ "$status" -eq 1 ]
	[[ "$output" == *"not what they were"* ]]
}

@test "two processes do not train in one folder" {
	jtrain pretrain "${run_opts[@]}" --data "$d/docs.jsonl" --steps 100000 --save-every 5 -o "$d/a" &
	pid=$!
	for _ in $(seq 400); do
		[ -e "$d/a/latest" ] && break
		sleep 0.02
	done
	run jtrain pretrain "${run_opts[@]}" --data "$d/docs.jsonl" --steps 100000 --save-every 5 -o "$d/a" --resume
	kill -9 $pid
	wait $pid || true
	[ "$status" -eq 1 ]
	[[ "$output" == *"another process is training in this folder"* ]]
}
