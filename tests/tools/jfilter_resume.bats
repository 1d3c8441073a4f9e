#!/usr/bin/env bats
# jfilter --resume, of every verb that has it: killed at any point and started again, the bytes are those of a run that was left
# alone, and every record that was read is either kept or rejected.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	bin="$(cd "${J_BIN:-bin}" && pwd)"
	[ -x "$bin/jfilter" ] || skip "no jfilter in $bin"
	jf="$bin/jfilter"
	cd "$BATS_TEST_TMPDIR" || return 1
}

# FILE FROM N: N pages of prose of several lengths, one in nine a stub, one in fifty no record.
make_docs() {
	awk -v from="$2" -v n="$3" 'BEGIN {
		w = split("river harbour engine letter window garden machine teacher winter corner paper signal " \
			"market number bridge station forest village copper thread island engine pocket mirror", word, " ")
		for (d = from; d < from + n; d++) {
			text = ""
			s = d * 2654435761 % 4294967296
			for (k = 0; k < (d % 9 ? 4 + d % 40 : 1); k++) {
				s = (s * 69069 + 1) % 4294967296
				text = text "The " word[int(s / 7) % w + 1] " of the " word[int(s / 211) % w + 1] " has been in the " \
					word[int(s / 5003) % w + 1] " with number " d * 64 + k ", and nobody is sure why it was put there. "
				if (k % 5 == 4)
					text = text "\\n\\n"
			}
			printf "{\"id\":\"d%d\",\"text\":\"%s\"}\n", d, text
			if (d % 50 == 0)
				print "not a record " d
		}
	}' >"$1"
}

# BYTES COMMAND...: the command, killed when $part (out.jsonl.part) has grown by that much, or has become whole.
killed_after_bytes() {
	local grow=$1 from now part=${part:-out.jsonl.part}
	shift
	from=$(stat -c %s $part 2>/dev/null || echo 0)
	"$@" 2>>log &
	local pid=$!
	while kill -0 $pid 2>/dev/null; do
		now=$(stat -c %s $part 2>/dev/null || echo 0)
		[ "$now" -lt $((from + grow)) ] || break
	done
	kill -9 $pid 2>/dev/null || true
	wait $pid 2>/dev/null || true
}

@test "kill -9 at ten random points, then the same bytes, rejects and counts" {
	make_docs a.jsonl 0 5000
	make_docs b.jsonl 5000 5000
	gzip -c b.jsonl >b2.jsonl.gz
	opts=(--set dup_5gram=off --pii mask --no-prov)
	"$jf" "${opts[@]}" -o whole.jsonl --rejects whole.rej a.jsonl b2.jsonl.gz 2>whole.err
	size=$(stat -c %s whole.jsonl)
	RANDOM=$((SRANDOM % 32768))
	echo "# seed of the kill points: $RANDOM" >&3
	for i in 1 2 3 4 5 6 7 8 9 10; do
		killed_after_bytes $((size / 10 * (RANDOM % 80 + 20) / 100)) \
			"$jf" --resume -j $((i % 2 + 1)) "${opts[@]}" -o out.jsonl --rejects out.rej a.jsonl b2.jsonl.gz
		[ ! -e out.jsonl ] || break
	done
	"$jf" --resume "${opts[@]}" -o out.jsonl --rejects out.rej a.jsonl b2.jsonl.gz 2>out.err
	cmp whole.jsonl out.jsonl
	cmp whole.rej out.rej
	grep -q 'going on after [1-9]' log out.err
	count() { sed -n 's/^jfilter: \([0-9]* in, .* rejected ([^)]*)\).*/\1/p' "$1"; }
	[ -n "$(count whole.err)" ] && [ "$(count whole.err)" = "$(count out.err)" ]
	[ $(($(wc -l <out.jsonl) + $(wc -l <out.rej))) -eq "$(cat a.jsonl b.jsonl | wc -l)" ]
	[ -z "$(find . -name '*.part' -o -name '*.journal' -o -name '*.tmp.*')" ]
}

@test "a killed signals run goes on too" {
	make_docs a.jsonl 0 1500
	"$jf" signals -q --no-prov -o whole.jsonl a.jsonl
	for i in 1 2 3; do
		killed_after_bytes 700000 "$jf" signals --resume --no-prov -o out.jsonl a.jsonl
	done
	"$jf" signals -q --resume --no-prov -o out.jsonl a.jsonl
	cmp whole.jsonl out.jsonl
}

@test "other options, other limits or another input are another run" {
	make_docs a.jsonl 0 3000
	killed_after_bytes 1500000 "$jf" --resume --no-prov -o out.jsonl a.jsonl
	[ -e out.jsonl.journal ] || skip "it was too fast to be killed"
	"$jf" --set stub=2000 --no-prov -q -o whole.jsonl a.jsonl
	"$jf" --resume --set stub=2000 --no-prov -o out.jsonl a.jsonl 2>err
	! grep -q 'going on' err
	cmp whole.jsonl out.jsonl
	rm out.jsonl
	killed_after_bytes 1500000 "$jf" --resume --no-prov -o out.jsonl a.jsonl
	make_docs a.jsonl 7 3000
	"$jf" --resume --no-prov -o out.jsonl a.jsonl 2>err
	! grep -q 'going on' err
	"$jf" --no-prov -q a.jsonl | cmp - out.jsonl
}

@test "killed between the names of the two outputs: the next run gives the other name" {
	make_docs a.jsonl 0 3000
	args=(--no-prov -o out.jsonl --rejects out.rej a.jsonl)
	killed_after_bytes 1500000 "$jf" --resume "${args[@]}"
	[ -e out.jsonl.journal ] || skip "it was too fast to be killed"
	"$jf" -q --no-prov -o whole.jsonl --rejects whole.rej a.jsonl
	# what the journal, the part and the rejects are at that moment
	in=$(wc -l <a.jsonl) kept=$(wc -l <whole.jsonl) bytes=$(stat -c %s a.jsonl)
	{
		head -n 1 out.jsonl.journal
		printf '{"file":0,"line":%d,"offset":%d,"read":%d,"out":%d,"rejects":%d,"kept":%d,"bytes_in":%d,"bytes_out":%d,"reasons":{"stub":%d},"end":true}\n' \
			"$in" "$bytes" "$in" "$(stat -c %s whole.jsonl)" "$(stat -c %s whole.rej)" "$kept" "$bytes" \
			"$(stat -c %s whole.jsonl)" $((in - kept))
	} >journal
	mv journal out.jsonl.journal
	cp whole.jsonl out.jsonl.part
	rm -f out.rej.part
	cp whole.rej out.rej
	"$jf" --resume "${args[@]}" 2>err
	grep -q "going on after $in records" err
	grep -q "$in in, $kept out" err
	cmp whole.jsonl out.jsonl
	cmp whole.rej out.rej
	[ -z "$(find . -name '*.part' -o -name '*.journal')" ]
}

@test "a journal that was cut or is foreign does no harm" {
	make_docs a.jsonl 0 400
	"$jf" --no-prov -q -o whole.jsonl --rejects whole.rej a.jsonl
	for journal in '' '{"jfilter_journal":1,"key":"0"}' '{"jfilter_journal":1,"key' 'garbage' \
		'{"file":9,"line":9,"offset":9,"read":9,"out":9,"rejects":9,"kept":9,"bytes_in":9,"bytes_out":9,"reasons":{}}'; do
		printf '%s\n' "$journal" >out.jsonl.journal
		printf 'rubbish' >out.jsonl.part
		printf 'rubbish' >out.rej.part
		"$jf" --resume --no-prov -q -o out.jsonl --rejects out.rej a.jsonl
		cmp whole.jsonl out.jsonl
		cmp whole.rej out.rej
		[ ! -e out.jsonl.journal ] && [ ! -e out.jsonl.part ] && [ ! -e out.rej.part ]
	done
}

@test "a killed split goes on: the parts, the rejects and the counts of a run left alone" {
	make_docs a.jsonl 0 4000
	gzip -c a.jsonl >b.jsonl.gz
	whole=(--valid 20% --valid-file whole.valid --test 30% --test-file whole.test)
	opts=(--valid 20% --valid-file out.valid --test 30% --test-file out.test)
	"$jf" split --no-prov -o whole.jsonl --rejects whole.rej "${whole[@]}" a.jsonl b.jsonl.gz 2>whole.err
	for i in 1 2 3; do
		killed_after_bytes 2000000 "$jf" split --resume --no-prov -j $((i % 2 + 1)) -o out.jsonl \
			--rejects out.rej "${opts[@]}" a.jsonl b.jsonl.gz
		[ ! -e out.jsonl ] || break
	done
	"$jf" split --resume --no-prov -o out.jsonl --rejects out.rej "${opts[@]}" a.jsonl b.jsonl.gz 2>out.err
	for part in jsonl valid test rej; do cmp whole.$part out.$part; done
	count() { sed -n 's/^jfilter: \([0-9]* to train on.*\|[0-9]* in, .* rejected ([^)]*)\).*/\1/p' "$1"; }
	[ "$(count whole.err)" = "$(count out.err)" ] && [ "$(count out.err | wc -l)" -eq 2 ]
	[ -z "$(find . -name '*.part' -o -name '*.journal' -o -name '*.tmp.*')" ]
}

@test "a killed decontaminate keeps what it found" {
	make_docs a.jsonl 0 6000
	# items that some documents hold
	sed -n '30p;700p;2900p;5100p' a.jsonl | sed 's/.*"text":"\([^"\\]*\).*/{"question":"\1"}/' >eval.jsonl
	args=(--no-prov --rejects whole.rej --report whole.json -o whole.jsonl --common 100% --against eval.jsonl -- a.jsonl)
	"$jf" decontaminate "${args[@]}" 2>whole.err
	grep -q contaminated whole.rej
	for i in 1 2 3; do
		part=out.jsonl.found.part killed_after_bytes 800000 \
			"$jf" decontaminate --resume -j $((i % 2 + 1)) "${args[@]//whole/out}"
		[ ! -e out.jsonl ] || break
	done
	"$jf" decontaminate --resume "${args[@]//whole/out}" 2>out.err
	grep -q 'going on after [1-9]' log out.err
	for part in jsonl rej json; do cmp whole.$part out.$part; done
	count() { sed -n 's/^jfilter: \([0-9]* in, .* rejected ([^)]*)\).*/\1/p' "$1"; }
	[ -n "$(count whole.err)" ] && [ "$(count whole.err)" = "$(count out.err)" ]
	[ -z "$(find . -name '*.part' -o -name '*.journal' -o -name '*.tmp.*')" ]
	# other evaluation sets are another run
	killed_after_bytes 1000000 "$jf" decontaminate --resume "${args[@]//whole/out}"
	sed -i 2d eval.jsonl
	"$jf" decontaminate -q "${args[@]}"
	"$jf" decontaminate -q --resume "${args[@]//whole/out}"
	cmp whole.rej out.rej
}

@test "a killed select keeps its counts and weights" {
	make_docs a.jsonl 0 9000
	make_docs like.jsonl 9000 50
	args=(--like like.jsonl -n 500 --no-prov -o whole.jsonl --rejects whole.rej -- a.jsonl)
	"$jf" select "${args[@]}" 2>whole.err
	for i in 1 2 3 4; do
		part=out.jsonl.weights.part killed_after_bytes 230000 \
			"$jf" select --resume -j $((i % 2 + 1)) "${args[@]//whole/out}"
		[ ! -e out.jsonl ] || break
	done
	"$jf" select --resume "${args[@]//whole/out}" 2>out.err
	grep -q 'going on after [1-9]' log out.err
	cmp whole.jsonl out.jsonl
	cmp whole.rej out.rej
	[ -z "$(find . -name '*.part' -o -name '*.journal' -o -name '*.tmp.*')" ]
}

@test "a killed mix keeps the epochs that it has taken" {
	make_docs a.jsonl 0 1500
	make_docs b.jsonl 5000 1500
	printf 'total: 900k\nsources:\n  - { name: one, files: [a.jsonl], weight: 2, max_epochs: 3 }\n  - { name: two, files: [b.jsonl], weight: 1 }\n' >spec.yaml
	args=(--no-prov --tag --valid 10% --valid-file whole.valid --rejects whole.rej -o whole.jsonl spec.yaml)
	"$jf" mix "${args[@]}" 2>whole.err
	for i in 1 2 3; do
		part=out.jsonl.taken.part killed_after_bytes 1500000 "$jf" mix --resume "${args[@]//whole/out}"
		[ ! -e out.jsonl ] || break
	done
	"$jf" mix --resume "${args[@]//whole/out}" 2>out.err
	grep -q 'going on after [1-9]' log out.err
	for part in jsonl valid rej; do cmp whole.$part out.$part; done
	grep wanted whole.err >a
	grep wanted out.err | cmp a -
	[ -z "$(find . -name '*.part' -o -name '*.journal' -o -name '*.tmp.*')" ]
}

@test "what cannot be gone on with is refused" {
	make_docs a.jsonl 0 10
	run "$jf" --resume a.jsonl
	[ "$status" -eq 2 ] && [[ $output == *"-o FILE"* ]]
	run "$jf" --resume -o out.jsonl <a.jsonl
	[ "$status" -eq 2 ] && [[ $output == *"standard input"* ]]
	run "$jf" --resume -o out.jsonl --rejects /dev/null a.jsonl
	[ "$status" -eq 2 ]
	for verb in decontaminate select; do
		[ $verb = select ] && set -- --like a.jsonl -n 3 || set -- --against a.jsonl
		run "$jf" $verb --resume "$@" -- a.jsonl
		[ "$status" -eq 2 ] && [[ $output == *"-o FILE"* ]]
		run "$jf" $verb --resume -o out.jsonl "$@" <a.jsonl
		[ "$status" -eq 2 ] && [[ $output == *"standard input"* ]]
	done
	[ -z "$(find . -name 'out.jsonl*')" ]
}

@test "shards in any order: the same records, and the same bytes in the order of their names" {
	mkdir shards
	for i in 0 1 2 3 4 5; do make_docs shards/$i.jsonl $((i * 100)) 100; done
	"$jf" -q --no-prov -j 1 -o one --rejects one.rej shards
	"$jf" -q --no-prov -j 2 -o two --rejects two.rej shards/0.jsonl shards/1.jsonl shards/2.jsonl \
		shards/3.jsonl shards/4.jsonl shards/5.jsonl
	cmp one two
	cmp one.rej two.rej
	"$jf" -q --no-prov -o mixed --rejects mixed.rej shards/3.jsonl shards/0.jsonl shards/5.jsonl \
		shards/1.jsonl shards/4.jsonl shards/2.jsonl
	! cmp -s one mixed
	LC_ALL=C sort one >a
	LC_ALL=C sort mixed | cmp a -
	LC_ALL=C sort one.rej >a
	LC_ALL=C sort mixed.rej | cmp a -
	# each shard by itself, put together in the order of the names
	for i in 0 1 2 3 4 5; do "$jf" -q shards/$i.jsonl; done | cmp one -
}
