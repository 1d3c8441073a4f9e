#!/usr/bin/env bats
# jtrain data: kinds of records, masks and losses as trl has them (tests/ref/make_sft.py).

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	PATH="$(cd "${J_BIN:-bin}" && pwd):$PATH"
	d="$BATS_TEST_TMPDIR"
	ref=tests/ref/sft
	cat >"$d/all.jsonl" <<-'END'
	{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello."},{"role":"user","content":"Bye"},{"role":"assistant","content":"See you."}]}
	{"conversations":[{"from":"human","value":"Who?"},{"from":"gpt","value":"Me."}],"id":"x1"}
	{"instruction":"Add.","input":"1 and 2","output":"3"}
	{"instruction":"Name a color.","input":"","output":"Red."}
	{"prompt":"2+2?","answer":"4","system":"Be short."}
	{"prompt":"The sky is","completion":" blue."}
	{"prompt":[{"role":"user","content":"Q"},{"role":"assistant","content":"old"},{"role":"user","content":"R"}],"completion":[{"role":"assistant","content":"new"}]}
	{"text":"Just text."}
	{"question":"?"}
	{"conversations":[{"from":"alien","value":"?"}]}
	END
}

# The member of the oracle for a set: {"ids": [[..], ..], "masks": [[..], ..]} as our lines.
oracle() {
	sed 's/.*"'"$1"'": {"ids": \[\(\[[^}]*\]\)\], "masks": \[\(\[[^}]*\]\)\], "losses".*/\1\n\2/' \
		"$ref/oracle.json" | sed 's/\], \[/]\n[/g; s/, /,/g' >"$d/lists"
	n=$(($(wc -l <"$d/lists") / 2))
	paste -d' ' <(head -n "$n" "$d/lists") <(tail -n "$n" "$d/lists") |
		sed 's/^\(\S*\) \(\S*\)$/{"ids":\1,"mask":\2}/'
}

losses() {
	sed 's/.*"'"$1"'": {[^}]*"losses": \[\([^]]*\)\].*/\1/' "$ref/oracle.json" | tr -d ' ' | tr , '\n'
}

@test "every kind is read as it comes, what is none is refused" {
	run jtrain data -q -t tests/ref/bytetok --seq 64 --rejects "$d/rej.jsonl" "$d/all.jsonl"
	[ "$status" -eq 0 ]
	[[ "$output" == *'"records":10,"kept":8,"refused":2,"kinds":{"chat":1,"sharegpt":1,"alpaca":2,"pair":1,"completion":2,"text":1}'* ]]
	[[ "$output" == *'"tokens":284,"targets":50,'* ]]
	grep -q '"from":"alien".*"drop":"turn 1' "$d/rej.jsonl"
	run jtrain data -q -t tests/ref/bytetok --seq 16 "$d/all.jsonl"
	[[ "$output" == *'"truncated":6,'* ]]
}

@test "records become conversations, and these the same tokens" {
	jtrain data -q -t tests/ref/bytetok --to chat -o "$d/chat.jsonl" "$d/all.jsonl"
	[ "$(sed -n 2p "$d/chat.jsonl")" = '{"id":"x1","messages":[{"role":"user","content":"Who?"},{"role":"assistant","content":"Me."}]}' ]
	[ "$(sed -n 3p "$d/chat.jsonl")" = '{"messages":[{"role":"user","content":"Add.\n1 and 2"},{"role":"assistant","content":"3"}]}' ]
	jtrain data -q -t tests/ref/bytetok --to ids "$d/all.jsonl" >"$d/a"
	jtrain data -q -t tests/ref/bytetok --to ids "$d/chat.jsonl" >"$d/b"
	cmp "$d/a" "$d/b"
}

@test "a turn with weight 0 is not learned" {
	echo '{"messages":[{"role":"user","content":"Q"},{"role":"assistant","content":"no","weight":0},{"role":"user","content":"Q"},{"role":"assistant","content":"yes"}]}' >"$d/w.jsonl"
	run jtrain data -q -t tests/ref/bytetok "$d/w.jsonl"
	[[ "$output" == *'"targets":4,'* ]]
}

@test "a call of a tool is learned whole, the tool's answer is not" {
	printf '%s' "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}{{ m.content or '' }}{% for c in m.tool_calls or [] %}{{ '<call>{\"name\": \"' + c.function.name + '\", \"args\": ' }}{{ c.function.arguments | tojson }}{{ '}</call>' }}{% endfor %}{{ '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}" >"$d/t.jinja"
	echo '{"messages":[{"role":"user","content":"2+2?"},{"role":"assistant","content":null,"tool_calls":[{"type":"function","function":{"name":"add","arguments":{"a":2}}}]},{"role":"tool","content":"4"},{"role":"assistant","content":"4."}]}' >"$d/c.jsonl"
	jtrain data -q -t tests/ref/bytetok --chat-template "$d/t.jinja" --to ids "$d/c.jsonl" >"$d/ids"
	want='<call>{"name": "add", "args": {"a": 2}}</call>'
	run jtrain data -q -t tests/ref/bytetok --chat-template "$d/t.jinja" "$d/c.jsonl"
	# the call, "4." and the ends of two turns
	[[ "$output" == *'"targets":'$((${#want} + 1 + 2 + 1))',"'* ]]
}

@test "ids and masks are trl's" {
	for set in chat pairs; do
		jtrain data -q -t "$ref/model" --to ids "$ref/$set.jsonl" >"$d/ours"
		oracle "$set" >"$d/theirs"
		[ "$(wc -l <"$d/theirs")" -eq 4 ]
		diff "$d/ours" "$d/theirs"
	done
}

@test "losses of three steps are trl's" {
	for set in chat pairs; do
		jtrain sft -q --model "$ref/model" --data "$ref/$set.jsonl" --batch 4 --seq 128 --steps 3 \
			--lr 1e-2 --schedule constant --warmup 0 --clip 0 --weight-decay 0 --beta1 0.9 \
			--beta2 0.95 --eps 1e-8 -o "$d/$set"
		paste <(sed 's/.*"loss":\([0-9.]*\),.*/\1/' "$d/$set/metrics.jsonl") <(losses "$set") |
			awk '{ d = $1 - $2; if (d < 0) d = -d; if (NF != 2 || d > 2e-4) { print; exit 1 } }'
	done
}
