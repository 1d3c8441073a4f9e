#!/usr/bin/env python3
"""jgen embed against transformers: the mean of an encoder's rows, the mean of a decoder's last hidden
states, both scaled to length 1; encoders also as GGUF against llama.cpp.

usage: check_embed.py MODEL ...       (jgen from J_BIN; folders of encoders or decoders)
"""
import json, os, subprocess, sys, tempfile
import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedTokenizerFast

JGEN = os.path.join(os.environ.get("J_BIN", "bin"), "jgen")
TEXTS = ["hello world", "The quick brown fox jumps over the lazy dog.", "Über 3.14 times, naïve café!", "x"]

def of_ours(path, text):
    return json.loads(subprocess.run([JGEN, "embed", "-q", "-m", path, "-p", text], capture_output=True, text=True,
                                     check=True).stdout)


def against_llama(path):
    """The largest difference between our embedding of a folder and llama.cpp's of the GGUF made of it."""
    from llama_cpp import Llama
    worst = 0.0
    with tempfile.TemporaryDirectory() as work:
        gguf = os.path.join(work, "model.gguf")
        subprocess.run([os.path.join(os.path.dirname(JGEN), "jmodel"), "convert", "-q", path, gguf], check=True)
        llm = Llama(gguf, embedding=True, n_ctx=64, verbose=False)
        for text in TEXTS:
            want = torch.tensor(llm.embed(text))
            want = want / want.norm()
            for model in (path, gguf):
                worst = max(worst, (want - torch.tensor(of_ours(model, text))).abs().max().item())
    return worst


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
            got = of_ours(path, text)
            worst = max(worst, max(abs(a - b) for a, b in zip(want, got)))
        if model.config.model_type == "bert":
            worst = max(worst, against_llama(path))
        good = worst < 1e-4
        bad += not good
        print("%s %s: largest difference %.2g" % ("ok" if good else "not ok", os.path.basename(path), worst))
    return 1 if bad else 0

sys.exit(main())
