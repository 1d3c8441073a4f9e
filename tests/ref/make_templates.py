#!/usr/bin/env python3
"""Writes tests/ref/templates/NAME.txt: NAME.jinja rendered with the variables NAME.json by Jinja2 in the
Hugging Face environment; no file where the template refuses.  usage: make_templates.py FOLDER"""
import glob, json, os, sys
import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)

env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])
env.filters["tojson"] = lambda x, indent=None: json.dumps(x, ensure_ascii=False, indent=indent)
env.globals["raise_exception"] = raise_exception
for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.jinja"))):
    with open(path, encoding="utf-8") as f:
        template = env.from_string(f.read())
    with open(path[:-6] + ".json", encoding="utf-8") as f:
        variables = json.load(f)
    try:
        text = template.render(**variables)
    except jinja2.exceptions.TemplateError as refusal:
        print(path, "refuses:", refusal)
        continue
    with open(path[:-6] + ".txt", "w", encoding="utf-8", newline="") as f:
        f.write(text)
