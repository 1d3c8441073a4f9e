#!/usr/bin/env bats
# jmodel fetch, against a stand-in of the hub (hub.py): what is fetched, resumed, checked, refused.

bats_require_minimum_version 1.5.0

setup_file() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	export hub="$BATS_FILE_TMPDIR/hub"
	for name in plain gated cut flaky wrong evil norange; do
		mkdir -p "$hub/org/$name/onnx"
		cp tests/ref/qwen3/tied/* "$hub/org/$name/"
		echo '{}' >"$hub/org/$name/tokenizer_config.json"
		echo 'weights of another program' >"$hub/org/$name/onnx/model.onnx"
		head -c 3000 /dev/zero >"$hub/org/$name/small.Q8_0.gguf"
	done
	python3 tests/tools/hub.py "$hub" "$BATS_FILE_TMPDIR/log" >"$BATS_FILE_TMPDIR/port" 3>&- &
	echo $! >"$BATS_FILE_TMPDIR/pid"
	for _ in $(seq 100); do
		[ -s "$BATS_FILE_TMPDIR/port" ] && break
		sleep 0.1
	done
	export at="http://127.0.0.1:$(cat "$BATS_FILE_TMPDIR/port")"
}

teardown_file() {
	kill "$(cat "$BATS_FILE_TMPDIR/pid")"
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	d="$BATS_TEST_TMPDIR"
	log="$BATS_FILE_TMPDIR/log"
	: >"$log"
}

fetch() {
	jmodel fetch --endpoint "$at" "$@"
}

@test "a repository becomes a folder that works; the licence is said" {
	run -0 --separate-stderr fetch hf:org/plain -o "$d/m"
	[[ "$output" == *'"licence":"apache-2.0"'* ]]
	[[ "$output" == *'"checked":1'* ]]
	[[ "$stderr" == *apache-2.0* ]]
	cmp "$hub/org/plain/model.safetensors" "$d/m/model.safetensors"
	[ ! -e "$d/m/model.onnx" ]
	[ ! -e "$d/m/small.Q8_0.gguf" ]
	[ -z "$(find "$d/m" -name '*.part')" ]
	run -0 jmodel info "$d/m"
}

@test "one file of a repository, at a revision with a slash" {
	run -0 fetch hf:org/plain@v1/rc:small.Q8_0.gguf -o "$d"
	cmp "$hub/org/plain/small.Q8_0.gguf" "$d/small.Q8_0.gguf"
	[ ! -e "$d/config.json" ]
}

@test "a GGUF in several files: the first stands for all" {
	jmodel convert --split-max-tensors 9 tests/ref/qwen3/tied "$hub/org/plain/m.gguf" -q
	cp "$hub/org/plain/m-00001-of-00003.gguf" "$hub/org/plain/n-00001-of-00003.gguf"
	run -0 fetch hf:org/plain:m-00001-of-00003.gguf -o "$d/all"
	[ "$(cd "$d/all" && echo *.gguf)" = "m-00001-of-00003.gguf m-00002-of-00003.gguf m-00003-of-00003.gguf" ]
	jmodel verify tests/ref/qwen3/tied "$d/all/m-00001-of-00003.gguf"
	run -0 fetch hf:org/plain:m-00002-of-00003.gguf -o "$d/one"
	[ "$(cd "$d/one" && echo *.gguf)" = m-00002-of-00003.gguf ]
	rm "$hub"/org/plain/[mn]-0*.gguf
}

@test "what is there and right is not fetched again; what is wrong is" {
	fetch hf:org/plain -o "$d/m" -q >/dev/null
	: >"$log"
	run -0 --separate-stderr fetch hf:org/plain -o "$d/m" -q
	[[ "$output" == *'"kept":1'* ]]
	run ! grep -q safetensors "$log"
	echo x >>"$d/m/model.safetensors"
	run -0 fetch hf:org/plain -o "$d/m" -q
	cmp "$hub/org/plain/model.safetensors" "$d/m/model.safetensors"
}

@test "a connection that breaks is gone on with, and so is a stopped run" {
	run -0 fetch hf:org/cut -o "$d/m" -q
	cmp "$hub/org/cut/model.safetensors" "$d/m/model.safetensors"
	grep -q 'safetensors bytes=[1-9]' "$log"
	mkdir "$d/p"
	head -c 5000 "$hub/org/plain/model.safetensors" >"$d/p/model.safetensors.part"
	: >"$log"
	run -0 fetch hf:org/plain:model.safetensors -o "$d/p" -q
	cmp "$hub/org/plain/model.safetensors" "$d/p/model.safetensors"
	grep -q 'bytes=5000-' "$log"
}

@test "a server without ranges: from the start" {
	mkdir "$d/p"
	head -c 5000 /dev/zero >"$d/p/model.safetensors.part"
	run -0 fetch hf:org/norange:model.safetensors -o "$d/p" -q
	cmp "$hub/org/norange/model.safetensors" "$d/p/model.safetensors"
}

@test "a part that belongs to something else does not survive the hash" {
	mkdir "$d/p"
	head -c 5000 /dev/zero >"$d/p/model.safetensors.part"
	run -1 fetch hf:org/plain:model.safetensors -o "$d/p" -q
	[[ "$output" == *SHA-256* ]]
	[ -z "$(ls "$d/p")" ]
	run -0 fetch hf:org/plain:model.safetensors -o "$d/p" -q
}

@test "errors that pass are tried again; a wrong hash is refused" {
	run -0 fetch hf:org/flaky:config.json -o "$d" -q
	run -1 fetch hf:org/wrong -o "$d/w" -q
	[[ "$output" == *"SHA-256"* ]]
	[ ! -e "$d/w/model.safetensors" ]
}

@test "a token comes from a file and goes to the hub" {
	run -1 fetch hf:org/gated -o "$d/g" --retries 0
	[[ "$output" == *401* ]]
	[[ "$output" == *token* ]]
	echo secret >"$d/token"
	run -0 fetch hf:org/gated -o "$d/g" --token-file "$d/token" -q
	grep -q ' token$' "$log"
	run -2 jmodel fetch --endpoint http://example.org --token-file "$d/token" hf:org/gated
	[[ "$output" == *"https only"* ]]
}

@test "names that would leave the folder are passed over" {
	run -0 fetch hf:org/evil -o "$d/x" -q
	[ -e "$d/x/config.json" ]
	[ "$(find "$d" -newer "$BATS_FILE_TMPDIR/port" -name config.json | wc -l)" -eq 1 ]
	run -0 fetch --list hf:org/evil -q
	[[ "$output" != *..* ]]
	[[ "$output" == *'"file":"onnx/model.onnx"'* ]]
}

@test "what is not there, and what is no name of a repository" {
	run -1 fetch hf:org/absent -o "$d/a" --retries 0
	[[ "$output" == *404* ]]
	[ ! -e "$d/a" ]
	run -1 fetch hf:org/plain:absent.gguf -o "$d/a"
	[[ "$output" == *absent.gguf* ]]
	for name in org/plain hf: hf:org/../x hf:org/plain: hf:a/b/c hf:org/plain@; do
		run -2 fetch "$name" -o "$d/a"
	done
	run -1 jmodel fetch --endpoint http://127.0.0.1:1 --retries 0 hf:org/plain -o "$d/a"
	[ ! -e "$d/a" ]
}
