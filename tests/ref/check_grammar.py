#!/usr/bin/env python3
"""Structured output, end to end: random texts of a model under hard schemas, grammars and regular
expressions must all be whole and valid by other people's validators.

usage: check_grammar.py MODEL [ROUNDS]       (jgen from J_BIN; needs jsonschema)

Each constraint gets ROUNDS completions at temperature 1.5 with no cuts (a model that knows nothing is
the hardest case).  GBNF texts are checked by a Python parser of the same language.
"""
import ast, json, os, re, subprocess, sys, tempfile
import jsonschema

JGEN = os.path.join(os.environ.get("J_BIN", "bin"), "jgen")
SCHEMAS = {
    "person": {"type": "object", "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 30},
               "age": {"type": "integer", "minimum": 0, "maximum": 130}, "mail": {"type": "string", "format": "email"},
               "tags": {"type": "array", "items": {"enum": ["a", "b", 3, None]}, "minItems": 1, "maxItems": 5}},
               "required": ["name", "age"], "additionalProperties": False},
    "tree": {"$defs": {"n": {"type": "object", "properties": {"v": {"type": "number", "minimum": -2.5, "exclusiveMaximum": 7},
             "kids": {"type": "array", "items": {"$ref": "#/$defs/n"}, "maxItems": 3}}, "required": ["v", "kids"]}},
             "$ref": "#/$defs/n"},
    "tool": {"oneOf": [
             {"type": "object", "properties": {"tool": {"const": "search"}, "query": {"type": "string"}}, "required": ["tool", "query"]},
             {"type": "object", "properties": {"tool": {"const": "sum"}, "of": {"type": "array", "items": {"type": "number"}}}, "required": ["tool", "of"]}]},
    "map": {"type": "object", "properties": {"id": {"type": "string", "pattern": "^[A-Z]{2}-\\d{3,5}(\"|\\\\)?$"}},
            "required": ["id"], "additionalProperties": {"type": ["boolean", "null"]}},
    "tuple": {"type": "array", "prefixItems": [{"type": "string", "format": "date"}, {"type": "boolean"}],
              "items": {"type": "integer", "exclusiveMinimum": -1000, "maximum": -7}, "minItems": 1, "maxItems": 6},
    "all": {"allOf": [{"properties": {"a": {"type": "integer"}}, "required": ["a"]},
            {"properties": {"b": {"anyOf": [{"type": "null"}, {"type": "string", "maxLength": 3}]}}, "required": ["b"]}], "type": "object"},
    "anything": True,
    "pairs": {"type": "object", "patternProperties": {"^k[0-9]+$": {"type": "integer"}}, "minProperties": 1, "maxProperties": 4},
}
REGEXES = [r"[A-Z][a-z]{2,9}( [a-z]{1,8}){0,6}\.", r"(\d{1,3}\.){3}\d{1,3}", r"(GET|POST) /[a-z/]{0,20} HTTP/1\.[01]",
           r"[^\x00-\x7f]{3,5}", r"(a|b(c|d)*){5,20}"]
GBNF = r'''root ::= expr
expr ::= term (" " ("+" | "-" | "*") " " term)*
term ::= number | "(" expr ")"
number ::= "0" | [1-9] [0-9]{0,6}
'''

def run(model, n, rounds, *args):
    records = "".join(json.dumps({"id": str(i), "prompt": "Answer %d:" % i}) + "\n" for i in range(rounds))
    out = subprocess.run([JGEN, "complete", "-m", model, "-n", str(n), "--temperature", "1.5", "--top-k", "0", "--top-p", "1",
                          "--min-p", "0", "-q", *args], input=records, capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in out.split("\n") if line]  # not at U+2028, which a string may hold

def count_bad(name, answers, rounds, valid):
    bad = rounds - len(answers)
    for a in answers:
        try:
            fine = a["finish"] == "stop" and valid(a["text"])
        except Exception as e:
            fine = False
            print("#", type(e).__name__, str(e)[:200])
        if not fine:
            bad += 1
            if bad < 4:
                print("#", name, a["finish"], repr(a["text"])[:300])
    print("%s %s: %d texts, %d not valid" % ("ok" if not bad else "not ok", name, rounds, bad))
    return bad

def json_valid(schema):
    check = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    def valid(text):
        check.validate(json.loads(text))
        return True
    return valid

def main():
    model, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 700
    bad = 0
    with tempfile.TemporaryDirectory() as tmp:
        for name, schema in SCHEMAS.items():
            path = os.path.join(tmp, name + ".json")
            json.dump(schema, open(path, "w"))
            bad += count_bad("schema " + name, run(model, 300, rounds, "--schema", path), rounds, json_valid(schema))
        path = os.path.join(tmp, "g.gbnf")
        open(path, "w").write(GBNF)
        bad += count_bad("gbnf", run(model, 200, rounds, "--grammar", path), rounds,
                         lambda t: ast.parse(t, mode="eval") is not None)
        for r in REGEXES:
            bad += count_bad("regex " + r, run(model, 120, rounds, "--regex", r), rounds,
                             lambda t: re.fullmatch(r, t) is not None)
    return 1 if bad else 0

sys.exit(main())
