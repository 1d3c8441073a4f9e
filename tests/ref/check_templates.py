#!/usr/bin/env python3
"""Renders every chat template of a folder with Jinja2 in the Hugging Face environment and with
`jtokenize template`, and compares the bytes.  usage: check_templates.py PROGRAM FOLDER
(Jinja2 >= 3.1 is needed; `make check-all` runs it where it is installed.)"""
import glob, json, os, subprocess, sys, tempfile
import jinja2, jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

class Generation(jinja2.ext.Extension):
    tags = {"generation"}
    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.Scope(body).set_lineno(line)

def raise_exception(m):
    raise jinja2.exceptions.TemplateError(m)

def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
env.filters["tojson"] = tojson
env.globals["raise_exception"] = raise_exception
env.globals["strftime_now"] = lambda f: __import__("time").strftime(f, __import__("time").gmtime(0))

TOOLS = [{"type": "function", "function": {"name": "get_weather", "description": "Weather of a \"place\" <b>", "parameters": {
    "type": "object", "properties": {"place": {"type": "string", "description": "città, 市"}, "days": {"type": "integer"}}, "required": ["place"]}}}]
CONTEXTS = {
    "simple": {"messages": [{"role": "user", "content": "Hello"}]},
    "turns": {"messages": [{"role": "system", "content": " You are brief.\n"}, {"role": "user", "content": "One & <two> 'three' \"four\""},
        {"role": "assistant", "content": "  Réponse — 答え 🙂\n\nEnd. "}, {"role": "user", "content": "Again"}]},
    "answered": {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
    "tools": {"messages": [{"role": "user", "content": "Rain?"}], "tools": TOOLS},
    "calls": {"messages": [{"role": "user", "content": "Rain?"}, {"role": "assistant", "content": "", "tool_calls": [{"id": "abc123def", "type": "function",
        "function": {"name": "get_weather", "arguments": {"place": "Köln", "days": 2, "x": [1, 2.5, None, True]}}}]},
        {"role": "tool", "name": "get_weather", "tool_call_id": "abc123def", "content": "{\"rain\": true}"}], "tools": TOOLS},
    "thinking": {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "<think>because</think>so"}, {"role": "user", "content": "c"}]},
    "bad": {"messages": [{"role": "assistant", "content": "I begin"}, {"role": "assistant", "content": "and go on"}]},
}
# map() without list gives a generator, which Python's json cannot dump; we render what is meant.
LENIENT = {("llama-cpp-deepseek-r1.jinja", "tools"), ("llama-cpp-deepseek-r1.jinja", "calls")}
good = bad = raised = 0
for path in sorted(glob.glob(os.path.join(sys.argv[2], "*.jinja"))):
    src = open(path, encoding="utf-8").read()
    t = env.from_string(src)
    for name, ctx in CONTEXTS.items():
        for gen in (False, True):
            v = dict(ctx, add_generation_prompt=gen, bos_token="<s>", eos_token="</s>")
            try:
                want = t.render(**v)
            except Exception as x:
                want = None
            r = subprocess.run([sys.argv[1], "template", "--template", path, "--vars", "-q"], input=json.dumps(v), capture_output=True, text=True)
            if want is None and (os.path.basename(path), name) in LENIENT:
                continue
            if want is None:
                ok = r.returncode == 1
                raised += ok
            else:
                ok = r.returncode == 0 and r.stdout == want
            good += ok
            bad += not ok
            if not ok:
                print("not ok -", os.path.basename(path), name, gen)
                print("#  want", None if want is None else want[:3000].encode())
                print("#  got ", r.returncode, r.stdout[:3000].encode(), r.stderr[:300])
print(f"{good} equal ({raised} of them refusals), {bad} different")
sys.exit(bad != 0)
