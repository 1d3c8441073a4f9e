#!/usr/bin/env python3
"""Checks adapters against other programs: check_adapters.py BIN WORK (needs torch, transformers, peft
and llama-cpp-python; not part of make check).

Trains a small base and an adapter with jtrain, then
 - peft loads base and adapter: its losses must be those of jmodel logits --loss;
 - llama.cpp loads the base as GGUF with the adapter as GGUF: its logits must be those of jmodel logits;
 - peft saves the adapter again: jmodel must compute the same from it.
"""
import json
import os
import subprocess
import sys

import numpy as np
import torch

BIN, TOP = sys.argv[1], sys.argv[2]
WORK = TOP
LLAMA = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 512, "hidden_size": 128,
         "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4,
         "num_key_value_heads": 2, "head_dim": 32, "max_position_embeddings": 64, "rms_norm_eps": 1e-5,
         "rope_theta": 10000.0, "tie_word_embeddings": False, "hidden_act": "silu",
         "initializer_range": 0.05}
MIXTRAL = {"architectures": ["MixtralForCausalLM"], "model_type": "mixtral", "vocab_size": 512,
           "hidden_size": 128, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
           "num_key_value_heads": 2, "head_dim": 32, "max_position_embeddings": 64, "rms_norm_eps": 1e-5,
           "rope_theta": 10000.0, "tie_word_embeddings": False, "hidden_act": "silu",
           "num_local_experts": 4, "num_experts_per_tok": 2, "initializer_range": 0.05}
QWEN3_MOE = dict(MIXTRAL, architectures=["Qwen3MoeForCausalLM"], model_type="qwen3_moe", num_experts=4,
                 moe_intermediate_size=96, norm_topk_prob=True, mlp_only_layers=[], decoder_sparse_step=1)
SHAPES = {"llama": LLAMA, "mixtral": MIXTRAL, "qwen3_moe": QWEN3_MOE}
EXPERTS = ("mixtral", "qwen3_moe")
HERE = os.path.dirname(os.path.abspath(__file__))
IDS = [72, 101, 108, 108, 111, 32, 119, 111, 114, 108, 100, 33, 10, 65, 66, 67]


def run(tool, *args):
    return subprocess.run([os.path.join(BIN, tool), *args], check=True, capture_output=True, text=True).stdout


def cases_of(shape):
    if shape in EXPERTS:        # peft has no DoRA on experts
        return "lora", "rs"
    return ("lora", "rs", "dora") + (("ends",) if shape == "llama" else ())     # nano's table is tied


def prepare(shape):
    top_shape = shape
    os.makedirs(WORK, exist_ok=True)
    config = SHAPES.get(shape)      # rotary rows are permuted in the GGUF of llama and mixtral
    if config:
        shape = os.path.join(WORK, "shape")
        os.makedirs(shape, exist_ok=True)
        with open(os.path.join(shape, "config.json"), "w") as f:
            json.dump(config, f)
    pairs = os.path.join(WORK, "pairs.jsonl")
    with open(pairs, "w") as f:
        for i in range(20):
            f.write(json.dumps({"prompt": f"What is {i} plus 1?", "answer": f"It is {i + 1}."}) + "\n")
    data = ["--data", pairs, "--batch", "4", "--seq", "64", "-q"]
    if not os.path.exists(os.path.join(WORK, "base", "config.json")):
        run("jtrain", "sft", "--model", shape, "--tokenizer", os.path.join(HERE, "bytetok"), *data,
            "--steps", "20", "--lr", "3e-3", "-o", os.path.join(WORK, "base"))
    for name, spec in (("lora", "r=8,alpha=16"), ("rs", "r=8,alpha=16,rslora,targets=q_proj+v_proj"),
                       ("dora", "r=4,alpha=8,dora"),
                       ("ends", "r=4,alpha=8,dora,targets=q_proj+embed_tokens+lm_head")):
        out = os.path.join(WORK, name)
        if name not in cases_of(top_shape):
            continue
        if not os.path.exists(os.path.join(out, "adapter_config.json")):
            run("jtrain", "sft", "--model", os.path.join(WORK, "base"), *data, "--steps", "20",
                "--lr", "1e-2", "--lora", spec, "-o", out)


def ours(model):
    return np.array(json.loads(run("jmodel", "logits", "-m", model, "--ids", ",".join(map(str, IDS)))))


def theirs_peft(name):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM
    base = AutoModelForCausalLM.from_pretrained(os.path.join(WORK, "base"), dtype=torch.float32)
    model = PeftModel.from_pretrained(base, os.path.join(WORK, name)).eval()
    again = os.path.join(WORK, name + "_again")
    model.save_pretrained(again)
    with torch.no_grad():
        return model(input_ids=torch.tensor([IDS])).logits[0].numpy(), again


def theirs_llama(name):
    from llama_cpp import Llama
    for src, dst in (("base", "base.gguf"), (name, name + ".gguf")):
        run("jmodel", "convert", os.path.join(WORK, src), os.path.join(WORK, dst))
    llm = Llama(os.path.join(WORK, "base.gguf"), lora_path=os.path.join(WORK, name + ".gguf"),
                n_ctx=64, logits_all=True, verbose=False)
    llm.eval(IDS)
    return np.array(llm.scores[:len(IDS)])


def report(what, a, b, limit):
    worst = np.abs(a - b).max()
    print(f"{what}: largest difference of logits {worst:.3g} (at most {limit:g})")
    assert worst <= limit, what


for shape, case in [(s, c) for s in ("nano", *SHAPES) for c in cases_of(s)]:
    WORK = os.path.join(TOP, shape)
    prepare(shape)
    plain = ours(os.path.join(WORK, "base"))
    mine = ours(os.path.join(WORK, case))
    assert np.abs(mine - plain).max() > 0.1, "the adapter does nothing"
    peft_logits, again_dir = theirs_peft(case)
    report(f"{shape} {case}: peft", mine, peft_logits, 1e-3)
    report(f"{shape} {case}: saved by peft", mine, ours(again_dir), 1e-6)
    if case not in ("dora", "ends"):
        report(f"{shape} {case}: llama.cpp", mine, theirs_llama(case), 2e-2)
