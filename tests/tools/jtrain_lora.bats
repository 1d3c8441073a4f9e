#!/usr/bin/env bats
# jtrain sft --lora: an adapter folder beside its base; resume, quantized bases, noise, merging.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	d="$BATS_TEST_TMPDIR"
	for i in 1 2 3 4 5 6 7 8; do
		printf '{"prompt":"What is %d plus 1?","answer":"It is %d."}\n' $i $((i + 1))
	done >"$d/pairs.jsonl"
	data=(--data "$d/pairs.jsonl" --batch 4 --seq 64 --lr 1e-2 -q)
	base="$BATS_FILE_TMPDIR/base"
	if [ ! -e "$base/config.json" ]; then
		jtrain sft --model nano --tokenizer tests/ref/bytetok "${data[@]}" --steps 10 -o "$base"
	fi
}

last_loss() { tail -1 "$1/metrics.jsonl" | sed 's/.*"loss":\([0-9.]*\).*/\1/'; }

@test "the adapter learns, the base stays, the folder is PEFT's" {
	before=$(cksum "$base/model.safetensors")
	jtrain sft --model "$base" "${data[@]}" --steps 25 --lora r=4,alpha=16 -o "$d/a"
	[ "$before" = "$(cksum "$base/model.safetensors")" ]
	[ ! -e "$d/a/config.json" ] && [ -e "$d/a/adapter_model.safetensors" ]
	grep -q '"peft_type": "LORA"' "$d/a/adapter_config.json"
	grep -q '"base_model_name_or_path": "'"$base"'"' "$d/a/adapter_config.json"
	first=$(head -1 "$d/a/metrics.jsonl" | sed 's/.*"loss":\([0-9.]*\).*/\1/')
	awk -v a="$first" -v b="$(last_loss "$d/a")" 'BEGIN { exit !(b < 0.8 * a) }'
}

@test "any -j gives the same adapter; kill and resume too, with dropout, DoRA and noise" {
	same=("${data[@]}" --model "$base" --steps 12 --save-every 2 --neftune 5
		--lora r=3,alpha=6,dropout=0.2,dora,rslora)
	jtrain sft "${same[@]}" -j 1 -o "$d/a"
	jtrain sft "${same[@]}" -j 4 -o "$d/b"
	cmp "$d/a/adapter_model.safetensors" "$d/b/adapter_model.safetensors"
	jtrain sft "${same[@]}" -o "$d/c" &
	pid=$!
	for _ in $(seq 600); do
		[ -e "$d/c/latest" ] && break
		sleep 0.01
	done
	kill -9 $pid || true
	wait $pid || true
	jtrain sft "${same[@]}" --resume -o "$d/c"
	cmp "$d/a/adapter_model.safetensors" "$d/c/adapter_model.safetensors"
	run jtrain sft "${data[@]}" --model "$base" --steps 12 --save-every 2 --neftune 5 --lora r=4 \
		--resume -o "$d/c"
	[ "$status" -eq 2 ]
	[[ "$output" == *"--lora was"* ]]
}

@test "the plan counts the adapter, and the base as mapped" {
	run jtrain plan sft --model "$base" "${data[@]}" --steps 5 --lora r=4 -o "$d/a"
	[ "$status" -eq 0 ]
	[[ "$output" == *"base (mapped, reclaimable)"* ]]
	grads=$(sed -n 's/^  gradients .* \([0-9]*\)$/\1/p' <<<"$output")
	all=$(jtrain plan sft --model "$base" "${data[@]}" --steps 5 -o "$d/a" |
		sed -n 's/^  gradients .* \([0-9]*\)$/\1/p')
	[ "$grads" -gt 0 ] && [ $((grads * 5)) -lt "$all" ]
	run jtrain plan sft --model "$base" "${data[@]}" --steps 5 --lora r=4 --quantize-base q8_0 -o "$d/a"
	[[ "$output" == *"base, quantized"* ]]
}

@test "a base quantized to q8_0 trains nearly as well" {
	jtrain sft --model "$base" "${data[@]}" --steps 15 --lora r=4 -o "$d/a"
	jtrain sft --model "$base" "${data[@]}" --steps 15 --lora r=4 --quantize-base q8_0 -o "$d/b"
	awk -v a="$(last_loss "$d/a")" -v b="$(last_loss "$d/b")" \
		'BEGIN { exit !(b < 1.05 * a && b > 0.95 * a && a != b) }'
}

@test "an adapter goes on where it was left, and stands for a model" {
	jtrain sft --model "$base" "${data[@]}" --steps 8 --lora r=4 -o "$d/a"
	jtrain sft --model "$base" "${data[@]}" --steps 8 --adapter "$d/a" -o "$d/b"
	awk -v a="$(last_loss "$d/a")" -v b="$(last_loss "$d/b")" 'BEGIN { exit !(b < a) }'
	tuned=$(jgen complete -q -m "$d/b" -p "What is 3" -n 6 --temperature 0)
	[ -n "$tuned" ]
	[ "$tuned" = "$(jgen complete -q -m "$base" --adapter "$d/b" -p "What is 3" -n 6 --temperature 0)" ]
	# A folder without a tokenizer takes that of the base.
	rm "$d/b/"tokenizer*
	[ "$tuned" = "$(jgen complete -q -m "$d/b" -p "What is 3" -n 6 --temperature 0)" ]
	jmodel merge -q --adapter "$d/b" -o "$d/m"
	[ "$tuned" = "$(jgen complete -q -m "$d/m" -p "What is 3" -n 6 --temperature 0)" ]
	jmodel convert "$d/b" "$d/b.gguf"
	[ "$(head -c 4 "$d/b.gguf")" = GGUF ]
	run jgen complete -q -m "$d/b" --adapter "$d/a" -p x -n 1
	[ "$status" -ne 0 ]
	[[ "$output" == *"bears an adapter already"* ]]
}

@test "what cannot be trained is refused with its name" {
	run jtrain sft --model nano --tokenizer tests/ref/bytetok "${data[@]}" --lora r=4 -o "$d/a"
	[ "$status" -eq 2 ]
	[[ "$output" == *"nano has no weights"* ]]
	run jtrain sft --model "$base" "${data[@]}" --lora r=4,rank=2 -o "$d/a"
	[ "$status" -eq 2 ]
	[[ "$output" == *"rank"* ]]
	run jtrain sft --model "$base" "${data[@]}" --lora targets=nowhere -o "$d/a"
	[[ "$output" == *"nowhere"* ]]
	run jtrain sft --model "$base" "${data[@]}" --quantize-base q8_0 -o "$d/a"
	[[ "$output" == *"--quantize-base needs --lora"* ]]
	[ ! -e "$d/a" ]
	jtrain sft --model "$base" "${data[@]}" --steps 1 --lora r=2 -o "$d/adapter"
	run jtrain sft --model "$d/adapter" "${data[@]}" --steps 1 -o "$d/a"
	[ "$status" -eq 2 ]
	[[ "$output" == *"$d/adapter is an adapter: --adapter goes on with it"* ]]
	[ ! -e "$d/a" ]
}

@test "a folder without weights starts from random ones, and says so" {
	mkdir "$d/empty"
	cp "$base"/{config.json,tokenizer.json,tokenizer_config.json} "$d/empty"
	run jtrain sft --model "$d/empty" --data "$d/pairs.jsonl" --batch 4 --seq 64 --steps 1 -o "$d/a"
	[ "$status" -eq 0 ]
	[[ "$output" == *"$d/empty has a configuration but no weights: starting from random ones"* ]]
}

@test "an adapter knows its base: another is refused, unless it is to be forgotten" {
	jtrain sft --model "$base" "${data[@]}" --steps 4 --lora r=2 -o "$d/a"
	jtrain sft --model "$base" "${data[@]}" --steps 2 -o "$d/further"
	jtrain sft --model nano --tokenizer tests/ref/bytetok "${data[@]}" --steps 2 --seed 7 -o "$d/other"
	for model in further other; do
		run jgen complete -q -m "$d/$model" --adapter "$d/a" -p x -n 2
		[ "$status" -ne 0 ]
		[[ "$output" == *"another base"* ]]
		run jmodel merge -q --base "$d/$model" --adapter "$d/a" -o "$d/m"
		[ "$status" -ne 0 ]
	done
	jmodel convert "$base" "$d/base.gguf"
	jmodel quantize "$base" "$d/base8.gguf" --type q8_0
	jgen complete -q -m "$d/base.gguf" --adapter "$d/a" -p x -n 2
	jgen complete -q -m "$d/base8.gguf" --adapter "$d/a" -p x -n 2
	jmodel convert --forget-base "$d/a" "$d/b"
	jgen complete -q -m "$d/other" --adapter "$d/b" -p x -n 2
}

@test "--resume refuses a base that was changed under its name" {
	cp -R "$base" "$d/base"
	jtrain sft --model "$d/base" "${data[@]}" --steps 4 --save-every 2 --lora r=2 -o "$d/a"
	rm "$d/a"/{adapter_config.json,adapter_model.safetensors,trainer_state.json}
	rm -r "$d/a/checkpoint-000000004"
	jtrain sft --model "$base" "${data[@]}" --steps 2 -o "$d/further"
	cp "$d/further/model.safetensors" "$d/base/model.safetensors"
	run jtrain sft --model "$d/base" "${data[@]}" --steps 4 --save-every 2 --lora r=2 -o "$d/a" --resume
	[ "$status" -eq 2 ]
	[[ "$output" == *"the weights of --model $d/base are not those that the run began with"* ]]
	cp "$base/model.safetensors" "$d/base/model.safetensors"
	jtrain sft --model "$d/base" "${data[@]}" --steps 4 --save-every 2 --lora r=2 -o "$d/a" --resume
}

@test "what was trained beside a quantized base is merged into that, or the difference is told" {
	jtrain sft --model "$base" "${data[@]}" --steps 6 --lora r=2 --quantize-base q4_0 -o "$d/a"
	run jmodel merge --adapter "$d/a" -o "$d/same"
	[[ "$output" == *"quantized to Q4_0"* ]]
	small=$(sed -n 's/.*differ by at most \([^,]*\),.*/\1/p' <<<"$output")
	run jmodel merge --as-given --adapter "$d/a" -o "$d/plain"
	[[ "$output" == *"warning"*"something else"* ]]
	large=$(sed -n 's/.*differ by at most \([^,]*\),.*/\1/p' <<<"$output")
	awk -v a="$small" -v b="$large" 'BEGIN { exit !(a < 1e-3 && b > 100 * a) }'
}

@test "experts and their router take adapters; the same bytes for any -j; merged it is the same model" {
	jtrain sft --model nano-moe --tokenizer tests/ref/bytetok "${data[@]}" --steps 4 -o "$d/moe"
	jtrain sft --model "$d/moe" "${data[@]}" --steps 6 --lora r=2 -j 1 -o "$d/a"
	jtrain sft --model "$d/moe" "${data[@]}" --steps 6 --lora r=2 -j 3 -o "$d/b"
	cmp "$d/a/adapter_model.safetensors" "$d/b/adapter_model.safetensors"
	grep -aq 'experts.1.down_proj.lora_B' "$d/a/adapter_model.safetensors"
	grep -aq 'mlp.gate.lora_A' "$d/a/adapter_model.safetensors"
	run jmodel merge --adapter "$d/a" -o "$d/m"
	[ "$status" -eq 0 ]
	awk -v x="$(sed -n 's/.*differ by at most \([^,]*\),.*/\1/p' <<<"$output")" 'BEGIN { exit !(x < 1e-3) }'
	run jtrain sft --model "$d/moe" "${data[@]}" --lora r=2,dora -o "$d/c"
	[[ "$output" == *"DoRA on"*"experts"* ]]
}
