#!/usr/bin/env bats
# jtrain sft: the mask, refused records; jtrain plan and plot.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	tok=tests/ref/bytetok
	d="$BATS_TEST_TMPDIR"
	for i in 1 2 3 4 5 6 7 8; do
		printf '{"prompt":"What is %d plus 1?","answer":"It is %d."}\n' $i $((i + 1))
	done >"$d/pairs.jsonl"
	opts=(--model nano --tokenizer "$tok" --data "$d/pairs.jsonl" --batch 4 --seq 128 --lr 3e-3)
}

@test "sft counts answer tokens and the ends of turns" {
	run jtrain sft "${opts[@]}" --steps 3 -o "$d/a"
	[ "$status" -eq 0 ]
	# 8 answers of 8 bytes and 8 end-of-turn tokens
	[[ "$output" == *"answer tokens: 72, eos targets: 8"* ]]
	[ "$(sed -n 's/.*"targets":\([0-9]*\).*/\1/p' "$d/a/metrics.jsonl" | head -1)" -le 72 ]
	grep -q '"eos_token_id"' "$d/a/generation_config.json"
}

@test "without --steps sft makes one pass" {
	jtrain sft "${opts[@]}" -q -o "$d/a"
	rows=$(sed -n 's/.*"rows_per_epoch": \([0-9]*\).*/\1/p' "$d/a/trainer_state.json")
	[ "$(wc -l <"$d/a/metrics.jsonl")" -eq $(((rows + 3) / 4)) ]
}

@test "refused records are counted, named and kept; --max-bad judges them" {
	echo '{"title":"no pair"}' >>"$d/pairs.jsonl"
	echo 'garbage' >>"$d/pairs.jsonl"
	run jtrain sft "${opts[@]}" --steps 1 --rejects "$d/rej.jsonl" -o "$d/a"
	[ "$status" -eq 0 ]
	[[ "$output" == *"10 in, 8 out, 2 rejected"* ]]
	[ "$(wc -l <"$d/rej.jsonl")" -eq 2 ]
	grep -q '"title":"no pair","drop":"neither' "$d/rej.jsonl"
	run jtrain sft "${opts[@]}" --steps 1 --max-bad 1 -o "$d/b"
	[ "$status" -eq 3 ]
}

@test "a template of one's own" {
	printf '%s' "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + eos_token }}{% endfor %}" >"$d/t.jinja"
	run jtrain sft "${opts[@]}" --steps 1 --chat-template "$d/t.jinja" -o "$d/a"
	[ "$status" -eq 0 ]
	[[ "$output" == *"answer tokens: 72, eos targets: 8"* ]]
	run jtrain sft "${opts[@]}" --steps 1 --chat-template none -o "$d/b"
	[ "$status" -eq 0 ]
	[[ "$output" == *"answer tokens: 72, eos targets: 8"* ]]
}

@test "--resume sees that other tokens carry loss though the tokens are the same" {
	for i in 1 2 3 4 5 6 7 8; do
		echo '{"prompt":"one two ","completion":"three"}'
	done >"$d/split.jsonl"
	split=(--model nano --tokenizer "$tok" --data "$d/split.jsonl" --batch 2 --seq 32 --steps 4 --save-every 2 -q)
	jtrain sft "${split[@]}" -o "$d/a"
	rm "$d/a"/{trainer_state.json,config.json,model.safetensors}
	sed -i 's/"prompt":"one two ","completion":"three"/"prompt":"one two t","completion":"hree"/' "$d/split.jsonl"
	run jtrain sft "${split[@]}" -o "$d/a" --resume
	[ "$status" -eq 2 ]
	[[ "$output" == *"the content of --data"* ]]
	run jtrain which --step 1 "$d/a"
	[ "$status" -eq 1 ]
}

@test "kill and resume give the same model as no kill" {
	jtrain sft "${opts[@]}" -q --steps 20 --save-every 3 -o "$d/a"
	jtrain sft "${opts[@]}" -q --steps 20 --save-every 3 -o "$d/b" &
	pid=$!
	for _ in $(seq 400); do
		[ -e "$d/b/latest" ] && break
		sleep 0.01
	done
	kill -9 $pid
	wait $pid || true
	jtrain sft "${opts[@]}" -q --steps 20 --save-every 3 -o "$d/b" --resume
	cmp "$d/a/model.safetensors" "$d/b/model.safetensors"
}

@test "plan prints bytes, FLOPs and seconds, and writes nothing" {
	run jtrain plan sft "${opts[@]}" --steps 100 -q -o "$d/a"
	[ "$status" -eq 0 ]
	for w in weights gradients "optimizer state" activations workspace total "FLOPs per step" \
		"GFLOP/s" "tokens/s"; do
		[[ "$output" == *"$w"* ]]
	done
	[ ! -e "$d/a" ]
	run jtrain plan --model 3b --tokenizer "$tok" --data "$d/pairs.jsonl" -M 1G
	[ "$status" -ne 0 ]
}

@test "plot draws at 80 columns, in ASCII, and as SVG" {
	for i in $(seq 60); do
		awk "BEGIN { printf \"{\\\"step\\\":%d,\\\"loss\\\":%.3f%s}\\n\", $i, 3 + 5 / $i,
			$i % 20 ? \"\" : \",\\\"valid_loss\\\":3.4\" }"
	done >"$d/m.jsonl"
	run jtrain plot "$d/m.jsonl"
	[ "$status" -eq 0 ]
	[[ "$output" == *"held-out loss"* ]]
	while IFS= read -r line; do [ "${#line}" -le 80 ]; done <<<"$output"
	jtrain plot --ascii "$d/m.jsonl" >"$d/ascii" 2>/dev/null
	[ "$(LC_ALL=C tr -d '\000-\177' <"$d/ascii" | wc -c)" -eq 0 ]
	jtrain plot "$d/m.jsonl" -o "$d/m.svg" -q
	grep -q '<svg' "$d/m.svg"
	# Several runs: told apart without colour, and every name on the page.
	for r in one two three; do
		mkdir "$d/run-with-a-name-$r"
		cp "$d/m.jsonl" "$d/run-with-a-name-$r/metrics.jsonl"
	done
	(cd "$d" && jtrain plot run-with-a-name-* -q) >"$d/three"
	for mark in o + x '#' @; do
		[ "$(grep -c "^ *.* $mark run-with-a-name" "$d/three")" -eq 1 ]
	done
	while IFS= read -r line; do [ "${#line}" -le 80 ]; done <"$d/three"
	(cd "$d" && jtrain plot run-with-a-name-* -q -o three.svg)
	[ "$(sed -n 's/.*<text x="\([0-9]*\)" y="[0-9]*">run-with.*/\1/p' "$d/three.svg" | sort -n | tail -1)" -lt 700 ]
	[ "$(grep -c '">run-with-a-name' "$d/three.svg")" -eq 6 ]
	echo '{"text":"a document"}' >"$d/docs.jsonl"
	run jtrain plot "$d/docs.jsonl"
	[ "$status" -eq 1 ]
	[[ "$output" == *"docs.jsonl: no line with a step and a loss"* ]]
	run jtrain plot
	[ "$status" -eq 2 ]
	echo nonsense >"$d/bad.jsonl"
	run jtrain plot "$d/bad.jsonl"
	[ "$status" -eq 1 ]
	[[ "$output" == *"bad.jsonl:1"* ]]
}
