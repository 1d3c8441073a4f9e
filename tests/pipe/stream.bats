#!/usr/bin/env bats
# jcollect | jfilter | jtokenize: documents to shards through pipes and files.

setup() {
	load helper
	pipe_setup
}

@test "the three programs work with no option at all" {
	[ -e "$root/share/tokenizers/default" ] || skip "no shipped tokenizer"
	make_pages pages 6
	jcollect pages | jfilter | jtokenize >data.jsh
	jtokenize check data.jsh
	[ "$(jcollect pages | jfilter | jtokenize | cksum)" = "$(cksum <data.jsh)" ]
}

@test "the chain gives the same bytes with one thread and with several" {
	make_pages pages 60
	jcollect -q -j 1 pages | jfilter -q -j 1 --rules docs | jtokenize encode -q -j 1 -t "$bytetok" -o one
	jcollect -q -j 3 pages | jfilter -q -j 3 --rules docs | jtokenize encode -q -j 3 -t "$bytetok" -o three
	[ -s one/shard-00000.jsh ]
	cmp one/shard-00000.jsh three/shard-00000.jsh
}

@test "folder, tar, tar.gz, zip and .deb hold the same texts" {
	make_kinds docs
	tar -cf docs.tar docs
	tar -czf docs.tgz docs
	python3 -c 'import shutil; shutil.make_archive("docs", "zip", ".", "docs")'
	make_deb docs docs.deb
	for s in docs docs.tar docs.tgz docs.zip docs.deb; do
		jcollect -q "$s" | jq -r .text | LC_ALL=C sort >"texts.$s"
		jcollect -q "$s" | jq -r .id | sort -u >"ids.$s"
		[ "$(wc -l <"ids.$s")" -eq 6 ] || fail "$s: $(wc -l <"ids.$s") documents of 6"
		cmp texts.docs "texts.$s" || fail "$s: other texts"
	done
	# every reader did its work
	grep -q 'What does tool0 do?' texts.docs
	grep -q 'turn one thing into another' texts.docs
	grep -q 'How do I install it?' texts.docs
	grep -q 'def frob(lines, limit=10):' texts.docs
	! grep -q -e '<p>' -e '^\.SH' texts.docs
}

@test "kept and rejected are what was read, in every stage" {
	make_kinds docs
	printf 'short' >docs/stub.txt
	head -c 3000 /dev/urandom >docs/noise.bin
	: >docs/empty.html
	jcollect docs --no-prov -o docs.jsonl 2>err
	read -r in out rejected <<<"$(sed -n 's/^jcollect: \([0-9]*\) in, \([0-9]*\) out\(, \([0-9]*\) rejected\)\{0,1\}.*/\1 \2 \4/p' err)"
	[ "$in" -eq $((out + rejected)) ]
	[ "$out" -eq "$(wc -l <docs.jsonl)" ]
	echo 'no record' >>docs.jsonl
	echo '{"id":"x","text":""}' >>docs.jsonl
	jfilter --rules docs --rejects rejects.jsonl -o kept.jsonl docs.jsonl 2>err
	read=$(wc -l <docs.jsonl)
	kept=$(wc -l <kept.jsonl)
	refused=$(wc -l <rejects.jsonl)
	[ "$read" -eq $((kept + refused)) ]
	[ "$refused" -ge 2 ]
	grep -q "^jfilter: $read in, $kept out, $refused rejected" err
	[ "$(jq -r 'select(.drop == null) | 1' rejects.jsonl | wc -l)" -eq 0 ]
	jq -e ".counts.in == $read and .counts.out == $kept and .counts.rejected == $refused" kept.jsonl.prov
	cat kept.jsonl kept.jsonl >twice.jsonl
	jfilter dedup -q --rejects copies.jsonl -o once.jsonl twice.jsonl
	[ $(($(wc -l <once.jsonl) + $(wc -l <copies.jsonl))) -eq $((2 * kept)) ]
	jfilter split -q --valid 30% --valid-file valid.jsonl -o train.jsonl once.jsonl
	cat train.jsonl valid.jsonl | sort >parts
	sort once.jsonl | cmp - parts
}

@test "--rejects of jcollect keeps what is left out, with the reason" {
	make_kinds docs
	printf 'short' >docs/stub.txt
	: >docs/empty.html
	jcollect -q docs --rejects rejects.jsonl >docs.jsonl
	[ "$(wc -l <rejects.jsonl)" -eq 2 ]
	jq -e -s 'all(.drop != null) and any(.source.uri | test("stub.txt$"))' rejects.jsonl
}

@test "provenance names the inputs of every stage, down to the source" {
	make_pages pages 12
	make_domain tiny.yaml
	jcollect -q --domain tiny.yaml -o docs.jsonl
	jfilter -q --domain tiny.yaml -o kept.jsonl docs.jsonl
	jtokenize train -q -v 300 -o tok kept.jsonl
	jtokenize encode -q -t tok -o data.jsh kept.jsonl
	jtrain pretrain -q --model nano --tokenizer tok --data data.jsh --steps 2 --batch 2 --seq 32 -o model
	jq -e '.inputs | any(.name == "pages") and any(.name == "tiny.yaml")' docs.jsonl.prov
	jq -e '.inputs | any(.name == "docs.jsonl")' kept.jsonl.prov
	jq -e '.inputs | any(.name == "kept.jsonl")' data.jsh.prov
	jq -e '.inputs | any(.name == "tok")' data.jsh.prov
	jq -e '.inputs | any(.name == "data.jsh")' model/prov.json
	# the whole chain is in the last one
	jq -e '[.. | .tool? // empty] | contains(["jtrain", "jtokenize", "jfilter", "jcollect"])' model/prov.json
	for f in docs.jsonl.prov kept.jsonl.prov data.jsh.prov; do
		jq -e '.inputs | all(.sha256 | test("^[0-9a-f]{64}$"))' "$f"
	done
	[ "$(jq -r '.inputs[] | select(.name == "kept.jsonl") | .sha256' data.jsh.prov)" = \
		"$(sha256sum <kept.jsonl | cut -d' ' -f1)" ]
}

@test "-M holds for input that is larger, with the input's hash in the provenance too" {
	make_pages pages 40
	jcollect -q pages >docs.jsonl
	for i in $(seq 400); do cat docs.jsonl; done >big.jsonl
	[ "$(wc -c <big.jsonl)" -gt 30000000 ]
	peak() { # COMMAND...: in kB, as the program's last line says
		"$@" 2>err
		sed -n 's/.* \([0-9.]*\) MB peak$/\1/p' err | awk '{ print int($1 * 1000) }'
	}
	[ "$(peak jfilter -M 24M -o kept.jsonl big.jsonl)" -lt 24000 ]
	[ "$(peak jfilter dedup -M 24M -o once.jsonl big.jsonl)" -lt 24000 ]
	[ "$(peak jtokenize train -v 400 -M 24M -o tok big.jsonl)" -lt 24000 ]
	[ "$(peak jgen synth --structure -M 24M -o pairs.jsonl big.jsonl)" -lt 24000 ]
}
