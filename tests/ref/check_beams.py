#!/usr/bin/env python3
"""jgen complete --beams against transformers' generate(num_beams=...): the same text.

usage: check_beams.py MODEL ...       (jgen from J_BIN; folders with a tokenizer)
"""
import os, subprocess, sys
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

JGEN = os.path.join(os.environ.get("J_BIN", "bin"), "jgen")
PROMPTS = ["Once upon a time", "The", "def main():"]

def main():
    bad = 0
    for path in sys.argv[1:]:
        tok = AutoTokenizer.from_pretrained(path)
        model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
        for prompt in PROMPTS:
            for beams, penalty, n in [(2, 1.0, 12), (4, 1.0, 20), (5, 0.5, 24), (3, 2.0, 16)]:
                ids = tok(prompt, return_tensors="pt")
                with torch.no_grad():
                    out = model.generate(**ids, num_beams=beams, length_penalty=penalty, max_new_tokens=n, do_sample=False,
                                         early_stopping=False, num_return_sequences=1)
                want = tok.decode(out[0][ids["input_ids"].shape[1]:], skip_special_tokens=True)
                got = subprocess.run([JGEN, "complete", "-q", "-m", path, "-p", prompt, "-n", str(n), "--beams", str(beams),
                                      "--length-penalty", str(penalty)], capture_output=True, text=True, check=True).stdout
                if got.rstrip("\n") != want.rstrip("\n"):
                    bad += 1
                    print("# %s beams %d: %r\n#   expected %r" % (prompt, beams, got, want))
        print("%s %s" % ("not ok" if bad else "ok", os.path.basename(path)))
    return 1 if bad else 0

sys.exit(main())
