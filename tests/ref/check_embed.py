#!/usr/bin/env python3
"""jgen embed against transformers: the mean of an encoder's rows, the mean of a decoder's last hidden
states, both scaled to length 1.

usage: check_embed.py MODEL ...       (jgen from J_BIN; folders of encoders or decoders)
"""
import json, os, subprocess, sys
import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedTokenizerFast

JGEN = os.path.join(os.environ.get("J_BIN", "bin"), "jgen")
TEXTS = ["hello world", "The quick brown fox jumps over the lazy dog.", "Über 3.14 times, naïve café!", "x"]

def main():
    bad = 0
    for path in sys.argv[1:]:
        tok = AutoTokenizer.from_pretrained(path)
        model = AutoModel.from_pretrained(path, dtype=torch.float32).eval()
        worst = 0.0
        for text in TEXTS:
            ids = tok(text, return_tensors="pt")
            with torch.no_grad():
                h = model(**ids).last_hidden_state[0].mean(0)
            want = (h / h.norm()).tolist()
            got = json.loads(subprocess.run([JGEN, "embed", "-q", "-m", path, "-p", text], capture_output=True, text=True,
                                            check=True).stdout)
            worst = max(worst, max(abs(a - b) for a, b in zip(want, got)))
        good = worst < 1e-4
        bad += not good
        print("%s %s: largest difference %.2g" % ("ok" if good else "not ok", os.path.basename(path), worst))
    return 1 if bad else 0

sys.exit(main())
