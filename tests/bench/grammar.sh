#!/bin/sh
# What a JSON schema costs per token: the same model of random weights, the same number of tokens, free
# and held to a schema, in turns; and how long a schema of 200 KB takes to compile.
#
#	J_BIN		folder of the programs, default bin
#	PRESETS		shapes, default "small 60m"
#	TOK		tokenizer, default that of GPT-2 in J_TEST_SHARED
set -eu
cd "$(dirname "$0")/../.."
bin=${J_BIN:-bin}
tok=${TOK:-${J_TEST_SHARED:-../shared}/data/tokenizers/gpt2}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

printf '%s\n' '{"text":"one two three four five six seven eight nine ten"}' >"$work/text.jsonl"
cat >"$work/free.json" <<-'E'
	{"type": "object", "properties": {"a": {"type": "string", "minLength": 5000}}, "required": ["a"]}
E
cat >"$work/nested.json" <<-'E'
	{"type": "array", "minItems": 2000, "items": {"type": "object", "properties": {
	 "name": {"type": "string", "minLength": 3, "maxLength": 12}, "n": {"type": "integer", "minimum": 0, "maximum": 9999},
	 "tags": {"type": "array", "items": {"enum": ["red", "green", "blue"]}, "maxItems": 3}}, "required": ["name", "n", "tags"]}}
E

# speed ARG...: seconds per token, from the debug line
speed() {
	"$bin/jgen" complete -m "$work/m" -p "Answer:" -n 200 --ignore-eos --temperature 1 --top-k 40 -j 1 -v "$@" 2>&1 >/dev/null |
		sed -n 's/.* \([0-9.]*\) tokens\/s.*/\1/p'
}

for preset in ${PRESETS:-small 60m}; do
	rm -rf "$work/m"
	"$bin/jtrain" pretrain --model "$preset" --tokenizer "$tok" --data "$work/text.jsonl" --batch 1 --seq 256 --steps 1 \
		--lr 1e-5 --no-prov -q -o "$work/m"
	for schema in free nested; do
		: >"$work/a"
		: >"$work/b"
		for i in 1 2 3 4 5; do
			speed >>"$work/a"
			speed --schema "$work/$schema.json" >>"$work/b"
		done
		a=$(sort -n "$work/a" | sed -n 3p)
		b=$(sort -n "$work/b" | sed -n 3p)
		awk -v p="$preset" -v s="$schema" -v a="$a" -v b="$b" 'BEGIN {
			printf "%s: free text %.1f tokens/s, schema %s %.1f tokens/s: a token takes %+.1f %%\n", p, a, s, b, 100 * (a / b - 1) }'
	done
done

awk 'BEGIN { printf "{\"type\":\"object\",\"properties\":{"
	for (i = 0; i < 2000; i++) printf "%s\"member_%d\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"maxLength\":%d},\"maxItems\":%d}",
		i ? "," : "", i, i % 200, i % 50
	print "}}" }' >"$work/big.json"
printf 'schema of %s bytes: ' "$(wc -c <"$work/big.json" | tr -d ' ')"
"$bin/jgen" complete -m "$work/m" -p x -n 1 --schema "$work/big.json" 2>&1 >/dev/null | sed 's/^jgen: //'
