#!/usr/bin/env python3
"""Seeds of tests/fuzz/ggufmodel.c: the keys of a tiny model of each GGUF architecture, with an embedding
and rotary divisors as its only tensors.  Written with gguf-py."""
import os

import gguf
import numpy as np

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fuzz", "seeds", "ggufmodel")
COMMON = {"context_length": 32, "embedding_length": 8, "block_count": 7, "feed_forward_length": 16,
          "attention.head_count": 2}
ROTARY = {"attention.head_count_kv": 1, "attention.key_length": 4, "attention.value_length": 4,
          "rope.dimension_count": 4, "rope.freq_base": 10000.0,
          "attention.layer_norm_rms_epsilon": 1e-6}
NORM = {"attention.layer_norm_epsilon": 1e-5}
EXPERTS = {"expert_count": 4, "expert_used_count": 2, "expert_feed_forward_length": 8}
FILES = {
    "llama": ("llama", ROTARY | {"rope.scaling.type": "yarn", "rope.scaling.factor": 2.0,
                                 "rope.scaling.original_context_length": 16}, ()),
    "freqs": ("llama", ROTARY, ("rope_freqs",)),
    "mistral": ("llama", ROTARY | {"attention.sliding_window": 8}, ()),
    "mixtral": ("llama", ROTARY | EXPERTS, ()),
    "qwen3moe": ("qwen3moe", ROTARY | EXPERTS, ()),
    "gemma2": ("gemma2", ROTARY | {"attention.sliding_window": 8, "attn_logit_softcapping": 50.0,
                                   "final_logit_softcapping": 30.0}, ()),
    "gemma3": ("gemma3", ROTARY | {"attention.sliding_window": 8}, ()),
    "smollm3": ("smollm3", ROTARY, ()),
    "phi3": ("phi3", ROTARY | {"rope.scaling.original_context_length": 16,
                               "rope.scaling.attn_factor": 1.1},
             ("rope_factors_long", "rope_factors_short")),
    "gpt2": ("gpt2", NORM, ()),
    "bert": ("bert", NORM | {"pooling_type": 2}, ()),
}

os.makedirs(HERE, exist_ok=True)
for name, (arch, keys, divisors) in FILES.items():
    w = gguf.GGUFWriter(os.path.join(HERE, name), arch)
    for key, v in (COMMON | keys).items():
        put = {int: w.add_uint32, float: w.add_float32, str: w.add_string}[type(v)]
        put(f"{arch}.{key}", v)
    w.add_tensor("token_embd.weight", np.zeros((4, 8), np.float32))
    for d in divisors:
        w.add_tensor(d + ".weight", np.array([1, 1 if d != "rope_freqs" else 8], np.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
