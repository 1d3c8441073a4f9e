#!/usr/bin/env bats
# jtrain pretrain: runs, what does not change them, stops and resumes.

setup() {
	export PATH="${J_BIN:-bin}:$PATH"
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	tok=tests/ref/bytetok
	d="$BATS_TEST_TMPDIR"
	make_docs >"$d/docs.jsonl"
	run_opts=(--model nano --tokenizer "$tok" --data "$d/docs.jsonl" --batch 4 --seq 48
		--lr 3e-3 --warmup 2 --schedule cosine --seed 5 -q)
}

make_docs() {
	local i
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		printf '{"text":"Document %d: the cat number %d sat on mat %d and looked at the moon."}\n' \
			$i $((i * 7)) $((i * i))
	done
}

# The log without what depends on the clock.
stable() {
	sed 's/,"tokens_per_s".*//' "$1"
}

same_model() {
	cmp "$1/model.safetensors" "$2/model.safetensors"
	diff <(stable "$1/metrics.jsonl") <(stable "$2/metrics.jsonl")
}

@test "a run writes a whole model folder and a log with a line per step" {
	jtrain pretrain "${run_opts[@]}" --steps 6 -o "$d/a"
	for f in config.json model.safetensors tokenizer.json tokenizer_config.json \
		generation_config.json trainer_state.json; do
		[ -s "$d/a/$f" ]
	done
	[ "$(wc -l <"$d/a/metrics.jsonl")" -eq 6 ]
	for k in step loss lr grad_norm tokens tokens_per_s peak_share rss_bytes bpb; do
		[ "$(grep -c "\"$k\":" "$d/a/metrics.jsonl")" -eq 6 ]
	done
	ls -A "$d/a" | grep tmp && return 1
	ls -d "$d/a"/checkpoint-* && return 1
	true
}

@test "the loss falls" {
	jtrain pretrain "${run_opts[@]}" --steps 40 -o "$d/a"
	first=$(sed -n 's/^{"step":1,"loss":\([0-9.]*\).*/\1/p' "$d/a/metrics.jsonl")
	last=$(sed -n 's/^{"step":40,"loss":\([0-9.]*\).*/\1/p' "$d/a/metrics.jsonl")
	awk "BEGIN { exit !($first > 5 && $last < 2.8) }"
}

@test "the same bytes for any -j and any --accumulate" {
	jtrain pretrain "${run_opts[@]}" --steps 5 -j 1 -o "$d/a"
	jtrain pretrain "${run_opts[@]}" --steps 5 -j 2 -o "$d/b"
	jtrain pretrain "${run_opts[@]}" --steps 5 -j 2 --accumulate 4 -o "$d/c"
	jtrain pretrain "${run_opts[@]}" --steps 5 -j 2 --recompute -o "$d/e"
	same_model "$d/a" "$d/b"
	same_model "$d/a" "$d/c"
	same_model "$d/a" "$d/e"
}

@test "units side by side: the same bytes and held-out losses for any -j, also after a kill" {
	run_opts+=(--batch 12 --seq 128 --steps 6 --valid "$d/docs.jsonl" --valid-every 2 --save-every 2
		--neftune 5)
	jtrain pretrain "${run_opts[@]}" -j 1 -o "$d/1"
	grep -q '"valid_loss"' "$d/1/metrics.jsonl"
	for j in 2 3 8; do
		jtrain pretrain "${run_opts[@]}" -j $j -o "$d/$j"
		same_model "$d/1" "$d/$j"
	done
	jtrain pretrain "${run_opts[@]}" -j 2 -o "$d/cut" &
	pid=$!
	for _ in $(seq 400); do
		[ -e "$d/cut/latest" ] && break
		sleep 0.01
	done
	kill -9 $pid
	wait $pid || true
	jtrain pretrain "${run_opts[@]}" -j 3 -o "$d/cut" --resume
	same_model "$d/1" "$d/cut"
}

@test "a checkpoint that has changed on the disk is not gone on from" {
	for f in model optimizer; do
		rm -rf "$d/a"
		jtrain pretrain "${run_opts[@]}" --steps 4 --save-every 2 -o "$d/a"
		rm "$d/a/trainer_state.json" "$d/a/config.json" "$d/a/model.safetensors"
		size=$(wc -c <"$d/a/latest/$f.safetensors")
		printf '\x5a' | dd of="$d/a/latest/$f.safetensors" bs=1 seek=$((size - 9)) conv=notrunc 2>/dev/null
		run jtrain pretrain "${run_opts[@]}" --steps 4 -o "$d/a" --resume
		[ "$status" -ne 0 ]
		[[ "$output" == *"$f.safetensors: has changed"*"remove this checkpoint"* ]]
		rm -rf "$d/a/checkpoint-000000004"
		jtrain pretrain "${run_opts[@]}" --steps 4 -o "$d/a" --resume
	done
}

@test "records and the shards made of them give the same model" {
	command -v jtokenize >/dev/null || skip "no jtokenize"
	jtokenize encode -q -t "$tok" -o "$d/shards" "$d/docs.jsonl"
	jtrain pretrain "${run_opts[@]}" --steps 3 -o "$d/a"
	jtrain pretrain --model nano --tokenizer "$tok" --data "$d/shards" --batch 4 --seq 48 --lr 3e-3 \
		--warmup 2 --schedule cosine --seed 5 -q --steps 3 -o "$d/b"
	same_model "$d/a" "$d/b"
}

@test "another seed gives another model" {
	jtrain pretrain "${run_opts[@]}" --steps 2 -o "$d/a"
	jtrain pretrain "${run_opts[@]}" --steps 2 --seed 6 -o "$d/b"
	run cmp -s "$d/a/model.safetensors" "$d/b/model.safetensors"
	[ "$status" -eq 1 ]
}

@test "kill -9 in the middle, then --resume: the bytes of an uninterrupted run" {
	for opt in adamw muon; do
		run_opts+=(--optimizer $opt --steps 60 --save-every 4 --valid "$d/docs.jsonl" --valid-every 8)
		jtrain pretrain "${run_opts[@]}" -o "$d/whole.$opt"
		jtrain pretrain "${run_opts[@]}" -o "$d/cut.$opt" &
		pid=$!
		for _ in $(seq 400); do
			[ -e "$d/cut.$opt/latest" ] && break
			sleep 0.01
		done
		kill -9 $pid
		wait $pid || true
		[ ! -e "$d/cut.$opt/config.json" ]
		jtrain pretrain "${run_opts[@]}" -o "$d/cut.$opt" --resume
		same_model "$d/whole.$opt" "$d/cut.$opt"
	done
}

@test "killed again and again, at any moment, a run still ends with the same bytes" {
	run_opts+=(--steps 80 --save-every 1 --keep 1)
	jtrain pretrain "${run_opts[@]}" -o "$d/whole"
	for wait in 3 5 7 4 6 8 5 9 6 7; do
		jtrain pretrain "${run_opts[@]}" -o "$d/cut" --resume &
		pid=$!
		sleep "0.$wait"
		kill -9 $pid || true
		wait $pid || true
	done
	jtrain pretrain "${run_opts[@]}" -o "$d/cut" --resume
	same_model "$d/whole" "$d/cut"
	[ "$(ls -A "$d/cut" | grep -c tmp)" -eq 0 ]
}

@test "Ctrl-C and SIGTERM save a checkpoint and say how to go on" {
	set -m		# else the shell starts background jobs with SIGINT ignored
	for sig in INT TERM; do
		jtrain pretrain "${run_opts[@]}" --steps 2000 -o "$d/$sig" 2>"$d/err" &
		pid=$!
		for _ in $(seq 400); do
			[ -s "$d/$sig/metrics.jsonl" ] && break
			sleep 0.01
		done
		kill -$sig $pid
		status=0
		wait $pid || status=$?
		case $sig in
		INT) [ "$status" -eq 130 ] ;;
		TERM) [ "$status" -eq 143 ] ;;
		esac
		grep -q -- "--resume" "$d/err"
		[ -s "$d/$sig/latest/optimizer.safetensors" ]
		[ ! -e "$d/$sig/config.json" ]
	done
}

@test "only the newest checkpoints are kept; latest points to the last" {
	jtrain pretrain "${run_opts[@]}" --steps 10 --save-every 2 --keep 2 -o "$d/a"
	[ "$(cd "$d/a" && echo checkpoint-*)" = "checkpoint-000000008 checkpoint-000000010" ]
	[ "$(readlink "$d/a/latest")" = checkpoint-000000010 ]
}

@test "a folder that holds a run is refused without --resume, done with it nothing happens" {
	jtrain pretrain "${run_opts[@]}" --steps 2 -o "$d/a"
	before=$(cksum <"$d/a/model.safetensors")
	run jtrain pretrain "${run_opts[@]}" --steps 2 -o "$d/a"
	[ "$status" -eq 2 ]
	[[ "$output" == *--resume* ]]
	run jtrain pretrain "${run_opts[@]}" --steps 2 -o "$d/a" --resume
	[ "$status" -eq 0 ]
	[ "$before" = "$(cksum <"$d/a/model.safetensors")" ]
}

@test "--resume refuses options that change the result, and names them" {
	jtrain pretrain "${run_opts[@]}" --steps 6 --save-every 2 -o "$d/a"
	rm "$d/a/trainer_state.json" "$d/a/config.json" "$d/a/model.safetensors"
	run jtrain pretrain "${run_opts[@]}" --steps 6 --lr 1e-3 -o "$d/a" --resume
	[ "$status" -eq 2 ]
	[[ "$output" == *"--lr was 0.003"* ]]
	echo '{"text":"more"}' >>"$d/docs.jsonl"
	run jtrain pretrain "${run_opts[@]}" --steps 6 -o "$d/a" --resume
	[ "$status" -eq 2 ]
	[[ "$output" == *"the content of --data (or --mix) is not what it was"* ]]
}

@test "--resume refuses other held-out data where they choose the model, and only there" {
	printf '{"text":"the cat sat on another mat and looked at another moon, for ever and ever."}\n' >"$d/other.jsonl"
	jtrain pretrain "${run_opts[@]}" --steps 6 --save-every 2 --valid "$d/docs.jsonl" --valid-every 2 \
		--keep-best -o "$d/a"
	jtrain pretrain "${run_opts[@]}" --steps 6 --save-every 2 --valid "$d/docs.jsonl" -o "$d/b"
	for r in a b; do
		rm "$d/$r/trainer_state.json" "$d/$r/config.json" "$d/$r/model.safetensors"
	done
	run jtrain pretrain "${run_opts[@]}" --steps 6 --save-every 2 --valid "$d/other.jsonl" --valid-every 2 \
		--keep-best -o "$d/a" --resume
	[ "$status" -eq 2 ]
	[[ "$output" == *"the content of --valid is not what it was"* ]]
	jtrain pretrain "${run_opts[@]}" --steps 6 --save-every 2 --valid "$d/other.jsonl" -o "$d/b" --resume
}

@test "options that nothing reads, and a warm-up that never ends, are told" {
	run jtrain pretrain "${run_opts[@]}" --steps 2 --warmup 9 --cycle 3 --momentum 0.5 --valid-every 1 -o "$d/a"
	[ "$status" -eq 0 ]
	[[ "$output" == *"warm-up of 9 steps is longer than the run of 2"* ]]
	[[ "$output" == *"--cycle has no effect without --schedule cyclical"* ]]
	[[ "$output" == *"--momentum has no effect without --optimizer sgd or muon"* ]]
	[[ "$output" == *"--valid-every has no effect without --valid"* ]]
	run jtrain pretrain "${run_opts[@]}" --steps 4 --schedule cyclical --cycle 3 --optimizer muon --momentum 0.5 \
		-o "$d/b"
	[ "$status" -eq 0 ]
	[[ "$output" != *"no effect"* ]]
}

@test "held-out loss at the asked steps and at the end" {
	jtrain pretrain "${run_opts[@]}" --steps 5 --valid "$d/docs.jsonl" --valid-every 2 -o "$d/a"
	[ "$(sed -n 's/^{"step":\([0-9]*\).*"valid_loss".*"valid_bpb".*/\1/p' "$d/a/metrics.jsonl" |
		tr '\n' ' ')" = "2 4 5 " ]
}

@test "training goes on from a finished model" {
	jtrain pretrain "${run_opts[@]}" --steps 20 -o "$d/a"
	jtrain pretrain --model "$d/a" --data "$d/docs.jsonl" --batch 4 --seq 48 --steps 2 -q -o "$d/b"
	first=$(sed -n 's/^{"step":1,"loss":\([0-9.]*\).*/\1/p' "$d/b/metrics.jsonl")
	awk "BEGIN { exit !($first < 4) }"
}

@test "bad input is refused before anything is written" {
	fails() {
		local code=$1 word=$2
		shift 2
		run jtrain pretrain "$@" -o "$d/bad"
		[ "$status" -eq "$code" ]
		[[ "$output" == *"$word"* ]]
		[ ! -e "$d/bad/config.json" ]
		rm -rf "$d/bad"
	}
	fails 2 "at least 1" "${run_opts[@]}" --steps 0
	fails 2 "at most 1048576" "${run_opts[@]}" --steps 2 --seq 5000000
	fails 2 "expected one of" "${run_opts[@]}" --steps 2 --schedule step
	fails 2 "expected one of" "${run_opts[@]}" --steps 2 --optimizer nosuch
	fails 2 "does not divide" "${run_opts[@]}" --steps 2 --accumulate 3
	fails 2 "no data" --model nano --tokenizer "$tok" --steps 2
	fails 1 "missing.jsonl" --model nano --tokenizer "$tok" --data "$d/missing.jsonl" --steps 2
	fails 2 "--tokenizer is missing" --model nano --data "$d/docs.jsonl" --steps 2
	fails 2 "no preset" --model huge --tokenizer "$tok" --data "$d/docs.jsonl" --steps 2
	fails 1 "no usable record" --model nano --tokenizer "$tok" --data "$tok/tokenizer_config.json" --steps 2
	fails 2 "lora" "${run_opts[@]}" --steps 2 --lora rank=8
	fails 2 "--model is missing" --tokenizer "$tok" --data "$d/docs.jsonl"
	run jtrain pretrain "${run_opts[@]}" --steps 2
	[ "$status" -eq 2 ]
}

@test "a full disk under the log fails the run and leaves no model" {
	[ -e /dev/full ] || skip "no /dev/full"
	run jtrain pretrain "${run_opts[@]}" --steps 2 --log /dev/full -o "$d/a"
	[ "$status" -eq 1 ]
	[[ "$output" == *"/dev/full"* ]]
	[ ! -e "$d/a/config.json" ]
}

@test "a limit on the size of files is told like a full disk, and nothing is left half-made" {
	run bash -c 'ulimit -f 200; exec jtrain pretrain "$@"' - "${run_opts[@]}" --steps 4 --save-every 2 -o "$d/a"
	[ "$status" -eq 1 ]
	[[ "$output" == *"cannot write"*"File too large"* ]]
	ls -A "$d/a" | grep tmp && return 1
	[ ! -e "$d/a/config.json" ]
}

@test "a loss that is not finite stops the run, names a parameter, writes no model" {
	run jtrain pretrain "${run_opts[@]}" --steps 60 --lr 900 --clip 0 --warmup 0 -o "$d/a"
	[ "$status" -eq 1 ]
	[[ "$output" == *"not applied"*"model."* ]]
	[ ! -e "$d/a/config.json" ]
}

@test "a run that cannot fit is refused before it starts, with the table" {
	run jtrain pretrain --model 125m --tokenizer "$tok" --data "$d/docs.jsonl" --steps 2 \
		--batch 8 --seq 512 -M 200M -o "$d/a"
	[ "$status" -eq 1 ]
	[[ "$output" == *"optimizer state"*"may be used"*"the run needs"* ]]
	[ ! -e "$d/a/metrics.jsonl" ]
}
