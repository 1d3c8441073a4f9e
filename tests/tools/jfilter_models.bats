#!/usr/bin/env bats
# jfilter with models: languages, classifiers, language models, personal data; audit, mix and train.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	bin="$(cd "${J_BIN:-bin}" && pwd)"
	[ -x "$bin/jfilter" ] || skip "no jfilter in $bin"
	tmp="$BATS_TEST_TMPDIR"
	export jf="$bin/jfilter"
}

# graded N: N records of each of two kinds, with a label.
graded() {
	awk -v n="$1" 'BEGIN {
		for (i = 0; i < n; i++) {
			printf "{\"id\":\"g%d\",\"text\":\"The function number %d returns a list of the names and raises an error if there are none of them in section %d.\",\"label\":\"good\"}\n", i, i, i % 7
			printf "{\"id\":\"b%d\",\"text\":\"Buy cheap things now and click here to win big money prize %d today online casino %d.\",\"label\":\"bad\"}\n", i, i, i % 5
		}
	}'
}

pages() {
	printf '%s\n' '{"id":"en","text":"The house that stands on the hill has been there for more than two hundred years, and nobody knows who built it."}' \
		'{"id":"de","text":"Das Haus, das auf dem Hügel steht, ist mehr als zweihundert Jahre alt, und niemand weiß, wer es gebaut hat."}' \
		'{"id":"fr","text":"La maison qui se trouve sur la colline a plus de deux cents ans, et personne ne sait qui l’a construite."}'
}

@test "languages: built in, wanted, noted" {
	pages | "$jf" -q --rules none --lang en,de --rejects "$tmp/rej" >"$tmp/out"
	[ "$(jq -r .lang "$tmp/out" | tr '\n' ' ')" = "en de " ]
	[ "$(jq -r '.id + .drop.rule + .drop.signal' "$tmp/rej")" = frlanglang_wanted ]
	pages | "$jf" -q signals --only lang_score,lang_share | jq -e '.scores["jfilter.lang_score"] > 0.9 and .scores["jfilter.lang_share"] == 1' >/dev/null
	run "$jf" signals --only nonsense /dev/null
	[ "$status" = 2 ] && [[ $output == *nonsense* ]]
}

@test "languages: with a fastText model" {
	model="${J_TEST_SHARED:-}/models/fasttext-lid176/lid.176.ftz"
	[ -f "$model" ] || skip "no $model"
	pages | "$jf" -q --rules none --lang-model "$model" >"$tmp/out"
	[ "$(jq -r .lang "$tmp/out" | tr '\n' ' ')" = "en de fr " ]
}

@test "a classifier is trained, is the same for any -j, and decides" {
	graded 60 >"$tmp/graded"
	"$jf" train -q --classifier --epochs 10 --dim 8 --buckets 1000 -o "$tmp/q.bin" "$tmp/graded"
	"$jf" train -q -j 1 --classifier --epochs 10 --dim 8 --buckets 1000 -o "$tmp/q1.bin" "$tmp/graded"
	cmp "$tmp/q.bin" "$tmp/q1.bin"
	"$jf" -q --rules none --classifier "$tmp/q.bin" --min-quality 0.5 --rejects "$tmp/rej" "$tmp/graded" >"$tmp/out"
	[ "$(jq -r .label "$tmp/out" | sort | uniq -c | tr -s ' ')" = " 60 good" ]
	[ "$(jq -r .drop.rule "$tmp/rej" | sort -u)" = quality ]
	run "$jf" --classifier "$tmp/q.bin" --class other "$tmp/graded"
	[ "$status" = 2 ] && [[ $output == *good* ]]
	head -c 300 "$tmp/q.bin" >"$tmp/cut.bin"
	run "$jf" --classifier "$tmp/cut.bin" "$tmp/graded"
	[ "$status" != 0 ] && [[ $output == *cut.bin* ]]
}

@test "what fastText itself says of our classifier" {
	"${J_PEER_PYTHON:-python3}" -c 'import fasttext_pybind' 2>/dev/null || skip "no fasttext_pybind"
	graded 60 >"$tmp/graded"
	"$jf" train -q --classifier --epochs 10 --dim 8 --buckets 1000 -o "$tmp/q.bin" "$tmp/graded"
	"$jf" -q --rules none --classifier "$tmp/q.bin" "$tmp/graded" >"$tmp/out"
	"${J_PEER_PYTHON:-python3}" - "$tmp/q.bin" "$tmp/out" <<-'END'
	import json, sys
	import fasttext_pybind
	m = fasttext_pybind.fasttext()
	m.loadModel(sys.argv[1])
	for line in open(sys.argv[2]):
	    r = json.loads(line)
	    p = {name: p for p, name in m.predict(r["text"] + "\n", 2, 0.0, "strict")}
	    assert abs(p["__label__good"] - r["scores"]["jfilter.quality"]) < 1e-5, (p, r)
	END
}

@test "a language model: ARPA and binary say the same; buckets" {
	graded 30 | grep good >"$tmp/good"
	"$jf" train -q --lm --order 3 -o "$tmp/m.arpa" "$tmp/good"
	"$jf" train -q --lm --order 3 --binary -o "$tmp/m.jlm" "$tmp/good"
	graded 5 >"$tmp/in"
	"$jf" -q --rules none --lm "$tmp/m.arpa" --buckets 10,30 "$tmp/in" >"$tmp/a"
	"$jf" -q --rules none --lm "$tmp/m.jlm" --buckets 10,30 "$tmp/in" >"$tmp/b"
	cmp "$tmp/a" "$tmp/b"
	[ "$(jq -r 'select(.label == "good") | .bucket' "$tmp/a" | sort -u)" = head ]
	[ "$(jq -r 'select(.label == "bad") | .bucket' "$tmp/a" | sort -u)" = tail ]
	"$jf" -q --rules none --lm "$tmp/m.jlm" --max-perplexity 30 "$tmp/in" | jq -r .label | grep -qv bad
}

@test "personal data: masked, hashed with a key, counted, dropped, left alone" {
	printf '%s\n' '{"id":"a","title":"Mail of jane.doe@uni-ulm.de","text":"Call +49 711 1234567\nor 93.184.216.34, see section 3.2.1.4.","messages":[{"role":"user","content":"jane.doe@uni-ulm.de"}]}' \
		'{"id":"b","text":"Nothing here, 10.0.0.1 and version 1.2.3.4."}' >"$tmp/in"
	"$jf" -q --rules none --pii mask "$tmp/in" >"$tmp/out"
	[ "$(sed -n 1p "$tmp/out")" = '{"id":"a","title":"Mail of <EMAIL>","text":"Call <PHONE>\nor <IPV4>, see section 3.2.1.4.","messages":[{"role":"user","content":"<EMAIL>"}]}' ]
	[ "$(sed -n 2p "$tmp/out")" = "$(sed -n 2p "$tmp/in")" ]
	echo 'a secret of some length' >"$tmp/key"
	echo 'another secret of length' >"$tmp/key2"
	"$jf" -q --rules none --pii hash --pii-key "$tmp/key" "$tmp/in" >"$tmp/h1"
	"$jf" -q -j 1 --rules none --pii hash --pii-key "$tmp/key" "$tmp/in" | cmp - "$tmp/h1"
	! "$jf" -q --rules none --pii hash --pii-key "$tmp/key2" "$tmp/in" | cmp -s - "$tmp/h1"
	[ "$(jq -r 'select(.id == "a") | .messages[0].content' "$tmp/h1")" = "$(jq -r 'select(.id == "a") | .title' "$tmp/h1" | sed 's/Mail of //')" ]
	# what was replaced is nobody any more
	"$jf" -q --rules none --pii mask "$tmp/h1" | cmp - "$tmp/h1"
	"$jf" -q --rules none --pii count "$tmp/in" | jq -se '.[0].scores["jfilter.pii_phone"] == 1 and .[0].scores["jfilter.pii_ipv4"] == 1' >/dev/null
	"$jf" -q --rules none --pii drop --rejects "$tmp/rej" "$tmp/in" >"$tmp/out"
	[ "$(jq -r .id "$tmp/out")" = b ] && [ "$(jq -r .drop.rule "$tmp/rej")" = pii ]
	run "$jf" --pii hash "$tmp/in"
	[ "$status" = 2 ]
}

@test "flagged words: whole words only" {
	printf '%s\n' '{"id":"a","text":"Dickens went to Scunthorpe to see the shitake mushrooms."}' '{"id":"b","text":"What the fuck is this."}' >"$tmp/in"
	"$jf" -q --rules none --words share/filters/flagged.en --rejects "$tmp/rej" "$tmp/in" >"$tmp/out"
	[ "$(jq -r .id "$tmp/out")" = a ] && [ "$(jq -r .drop.rule "$tmp/rej")" = flagged_words ]
	for f in share/filters/flagged.*; do
		"$jf" -q --rules none --words "$f" "$tmp/in" >/dev/null
	done
}

@test "chat: refusals and loops go, answers stay" {
	a='Use a list and append to it; the list keeps its order and may hold any value.'
	printf '{"id":"%s","prompt":"How do I keep values?","answer":"%s"}\n' ok "$a" \
		refusal "I'm sorry, but I can't help with that. As an AI language model I have no values." \
		loop "$(for _ in $(seq 40); do printf 'the list is '; done)" >"$tmp/in"
	"$jf" -q --rules chat --rejects "$tmp/rej" "$tmp/in" >"$tmp/out"
	[ "$(jq -r .id "$tmp/out")" = ok ]
	[ "$(jq -r '.id + " " + .drop.rule' "$tmp/rej")" = "refusal refusal
loop periods" ]
}

@test "compat: each program's rules by its own measures" {
	graded 20 >"$tmp/in"
	for p in datatrove dolma dclm rpv2 curator jupiter; do
		"$jf" explain --json -q --compat $p "$tmp/in" >"$tmp/$p"
		[ -s "$tmp/$p" ]
	done
	jq -e '.rules | any(.signal == "dolma.dup_5gram")' "$tmp/dolma" >/dev/null
	jq -e '.set == "gopher"' "$tmp/dclm" >/dev/null
	jq -e '.set == "jupiter"' "$tmp/jupiter" >/dev/null
	# one page, five numbers: a top 2-gram that stands once counts for some and not for others
	printf '{"id":"x","text":"alpha beta gamma"}\n' | "$jf" signals -q --only datatrove.top_2gram,dolma.top_2gram,rpv2.top_2gram,top_2gram |
		jq -e '.scores["jfilter.dolma.top_2gram"] > 0.6 and .scores["jfilter.rpv2.top_2gram"] == 0 and .scores["jfilter.top_2gram"] == 0' >/dev/null
}

@test "audit: what a rule drops, what it alone drops, how right it is" {
	graded 50 >"$tmp/in"
	"$jf" audit -q --rules none --words share/filters/flagged.en "$tmp/in" >"$tmp/none"
	[ "$(jq -r 'select(.set == "all") | .kept' "$tmp/none")" = 100 ]
	printf 'casino\n' >"$tmp/words"
	"$jf" audit -q --rules none --words "$tmp/words" --label label "$tmp/in" >"$tmp/out"
	jq -se '.[0] | .drops == 50 and .alone == 50 and .precision == 1 and .good_dropped == 0' "$tmp/out" >/dev/null
	"$jf" audit -q -j 1 --rules none --words "$tmp/words" --label label "$tmp/in" | cmp - "$tmp/out"
}

@test "audit: deciles are exact, also where the signals do not fit in memory" {
	awk 'BEGIN {
		s = 7
		for (d = 0; d < 40000; d++) {
			s = (s * 69069 + 1) % 4294967296
			printf "{\"id\":\"%d\",\"text\":\"", d
			for (k = int(s / 65536) % 60 % (d % 9 + 1); k >= 0; k--)
				printf "word%s", k ? " " : ""
			print "\"}"
		}
	}' >"$tmp/in"
	"$jf" audit -M 1G -j 1 --no-prov "$tmp/in" >"$tmp/out" 2>"$tmp/err.1g"
	"$jf" audit -M 4M -j 1 --no-prov "$tmp/in" >"$tmp/small" 2>"$tmp/err.4m"
	cmp "$tmp/out" "$tmp/small"
	"$jf" signals -q --only words "$tmp/in" | sed 's/.*"jfilter.words":\([0-9.]*\).*/\1/' | sort -n |
		awk '{ v[NR - 1] = $1 }
		END { for (k = 1; k <= 9; k++) printf "%s%s", (k > 1 ? "," : ""), v[int(k * (NR - 1) / 10)]; print "" }' >"$tmp/want"
	grep '"signal":"words"' "$tmp/out" | head -n 1 | sed 's/.*"deciles":\[\([^]]*\)\].*/\1/' | cmp "$tmp/want" -
	peak() { sed -n 's/.* \([0-9]*\)\(\.[0-9]*\)\{0,1\} MB peak.*/\1/p' "$1"; }
	[ "$(peak "$tmp/err.4m")" -lt "$(peak "$tmp/err.1g")" ]
}

@test "mix: shares by weight, the same for any order, -j and -M; held-out first" {
	graded 300 | grep '"good"' >"$tmp/good"
	graded 100 | grep '"bad"' >"$tmp/bad"
	cat >"$tmp/spec" <<-END
	total: 300
	unit: records
	sources:
	  - { name: good, files: [$tmp/good], weight: 2 }
	  - { name: bad, files: [$tmp/bad], weight: 1 }
	END
	"$jf" mix -q --tag -o "$tmp/m" --no-prov "$tmp/spec"
	[ "$(jq -r .mix "$tmp/m" | sort | uniq -c | tr -s ' ' | tr '\n' ';')" = " 100 bad; 200 good;" ]
	[ "$(sort -u "$tmp/m" | wc -l)" = 300 ]
	sort -r "$tmp/good" >"$tmp/turned" && mv "$tmp/turned" "$tmp/good"
	"$jf" mix -q --tag -j 1 -M 4M "$tmp/spec" | cmp - "$tmp/m"
	! "$jf" mix -q --tag --seed 1 "$tmp/spec" | cmp -s - "$tmp/m"
	# a source that lacks some is repeated up to its limit, and the others give the rest
	sed -i 's/total: 300/total: 390/; s/weight: 1 /weight: 20, max_epochs: 1.5 /' "$tmp/spec"
	"$jf" mix -q --tag "$tmp/spec" | jq -r .mix | sort | uniq -c | tr -s ' ' | tr '\n' ';' | grep -qx ' 150 bad; 240 good;'
	"$jf" mix -q --valid 10% --valid-file "$tmp/v" -o "$tmp/m" --no-prov "$tmp/spec"
	cat "$tmp/good" "$tmp/bad" | "$jf" split -q --valid 10% --valid-file "$tmp/v2" >/dev/null
	[ "$(jq -r .id "$tmp/v" | sort)" = "$(jq -r .id "$tmp/v2" | sort)" ]
	[ -z "$(jq -r .id "$tmp/m" | sort -u | comm -12 - <(jq -r .id "$tmp/v" | sort))" ]
	printf 'sources:\n  - { name: a, file: x }\n' >"$tmp/bad.yaml"
	run "$jf" mix "$tmp/bad.yaml"
	[ "$status" != 0 ] && [[ $output == *bad.yaml:2* ]]
}

@test "kept and rejected are what was read, byte for byte, for any -j" {
	graded 200 >"$tmp/in"
	pages >>"$tmp/in"
	echo 'not a record' >>"$tmp/in"
	echo '{"id":"n"}' >>"$tmp/in"
	for j in 1 2; do
		"$jf" -q -j $j --rules web --lang en --pii mask --rejects "$tmp/rej$j" "$tmp/in" >"$tmp/out$j"
	done
	cmp "$tmp/out1" "$tmp/out2"
	cmp "$tmp/rej1" "$tmp/rej2"
	[ $(($(wc -l <"$tmp/out1") + $(wc -l <"$tmp/rej1"))) = "$(wc -l <"$tmp/in")" ]
	"$jf" -q --rules none --rules code=none <"$tmp/in" 2>/dev/null | cmp - <(head -n 403 "$tmp/in")
}

@test "training stays within -M: the same model with less, or a refusal that says what would fit" {
	graded 3000 >"$tmp/graded"
	"$jf" train -q --lm --order 3 --binary -M 256M -o "$tmp/wide.jlm" "$tmp/graded"
	"$jf" train -q --lm --order 3 --binary -M 16M -o "$tmp/small.jlm" "$tmp/graded"
	cmp "$tmp/wide.jlm" "$tmp/small.jlm"
	run "$jf" train -q --lm --order 3 -M 1M -o "$tmp/none.arpa" "$tmp/graded"
	[ "$status" = 1 ] && [[ $output == *"different words"* ]] && [ ! -e "$tmp/none.arpa" ]
	run "$jf" train -q --classifier -M 32M -o "$tmp/none.bin" "$tmp/graded"
	[ "$status" = 1 ] && [[ $output == *"buckets would"* ]] && [ ! -e "$tmp/none.bin" ]
	"$jf" train -q --classifier --epochs 1 --buckets 20000 -M 32M -o "$tmp/some.bin" "$tmp/graded"
	run "$jf" train -q --classifier -M 1M -o "$tmp/none.bin" "$tmp/graded"
	[ "$status" = 1 ] && [[ $output == *"memory"* ]] && [ ! -e "$tmp/none.bin" ]
}

@test "buckets by percentiles: of what the rules keep, language by language" {
	awk 'BEGIN {
		split("river harbour engine letter window garden machine teacher winter corner paper signal", w, " ")
		split("Fluss Hafen Motor Brief Fenster Garten Maschine Lehrer Winter Ecke Papier Zeichen", v, " ")
		s = 3
		for (d = 0; d < 300; d++) {
			de = d % 3 == 0
			text = ""
			for (k = 0; k < (d % 10 ? 30 : 2); k++) {
				s = (s * 69069 + 1) % 4294967296
				i = int(s / 65536) % (d % 12 + 1) + 1
				text = text (de ? "und der " v[i] " ist nicht " : "and the " w[i] " is not ")
			}
			printf "{\"id\":\"%d\",\"lang\":\"%s\",\"text\":\"%s\"}\n", d, de ? "de" : "en", text
		}
	}' >"$tmp/in"
	"$jf" train -q --lm --order 2 -o "$tmp/lm" "$tmp/in"
	"$jf" -q --rules none --min words=20 --lm "$tmp/lm" "$tmp/in" >"$tmp/kept"
	"$jf" -q --rules none --min words=20 --lm "$tmp/lm" --buckets 30%,60% -j 1 "$tmp/in" >"$tmp/out"
	"$jf" -q --rules none --min words=20 --lm "$tmp/lm" --buckets 30%,60% -j 4 "$tmp/in" | cmp - "$tmp/out"
	[ "$(wc -l <"$tmp/kept")" -eq 270 ] && [ "$(wc -l <"$tmp/out")" -eq 270 ]
	for lang in en de; do
		# the nearest ranks: the least perplexity that so many of the language do not exceed
		limits=$(jq -s --arg lang $lang '[.[] | select(.lang == $lang).scores["jfilter.perplexity"]] | sort |
			. as $v | [.3, .6] | map($v[($v | length) * . + 0.999999 | floor - 1])' -c "$tmp/kept")
		jq -se --arg lang $lang --argjson at "$limits" '[.[] | select(.lang == $lang)] | length > 50 and
			all(.[]; .bucket == (.scores["jfilter.perplexity"] as $p |
				if $p <= $at[0] then "head" elif $p <= $at[1] then "middle" else "tail" end))' "$tmp/out" >/dev/null
	done
	run "$jf" --lm "$tmp/lm" --buckets 30%,60% <"$tmp/in"
	[ "$status" -eq 2 ] && [[ $output == *"standard input"* ]]
	for bad in 30%,60 60%,30% 30%,101% 0%,5%; do
		run "$jf" --lm "$tmp/lm" --buckets "$bad" "$tmp/in"
		[ "$status" -eq 2 ]
	done
}

@test "chars per token, with a tokenizer; StarCoder's least by language" {
	tok=share/tokenizers/default
	printf '%s\n' '{"text":"def f(x):\n    return x + 1 # adds one to a number, nothing else\n","code_lang":"python"}' \
		'{"text":"x=\"q9Zk3vXw8Lp0Rt5YbN2mHs7Jd4Gf6Ca1\"#\u00e9","code_lang":"python"}' >"$tmp/in"
	"$jf" signals -q --only chars_per_token,python_chars_per_token,java_chars_per_token --tokenizer "$tok" "$tmp/in" >"$tmp/out"
	"$bin/jtokenize" ids -t "$tok" --json <(jq -c .text "$tmp/in") | jq length >"$tmp/ids"
	jq -r '.text | length' "$tmp/in" | paste - "$tmp/ids" | awk '{ printf "%.6f\n", $1 / $2 }' >"$tmp/want"
	jq -r '.scores["jfilter.chars_per_token"]' "$tmp/out" | awk '{ printf "%.6f\n", $1 }' | cmp - "$tmp/want"
	jq -e '.scores["jfilter.python_chars_per_token"] == .scores["jfilter.chars_per_token"] and
		(.scores | has("jfilter.java_chars_per_token") | not)' "$tmp/out" >/dev/null
	"$jf" signals -q "$tmp/in" | jq -e '.scores | has("jfilter.chars_per_token") | not' >/dev/null
	"$jf" -q --rules starcoder --set min_comments=off --tokenizer "$tok" --rejects "$tmp/rej" "$tmp/in" >"$tmp/kept"
	[ "$(wc -l <"$tmp/kept")" -eq 1 ]
	jq -e '.drop.rule == "python_tokens"' "$tmp/rej" >/dev/null
}
