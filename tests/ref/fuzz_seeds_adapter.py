#!/usr/bin/env python3
"""Makes the seeds of the fuzzer adapter:  fuzz_seeds_adapter.py tests/fuzz/seeds

Needs only the standard library.
"""
import json
import os
import struct
import sys

out = os.path.join(sys.argv[1], "adapter")
os.makedirs(out, exist_ok=True)


def tensors(shapes):
    header, data = {}, b""
    for name, shape in shapes:
        count = 1
        for d in shape:
            count *= d
        raw = struct.pack(f"<{count}f", *[0.5] * count)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def seed(name, config, shapes):
    text = json.dumps(config).encode()
    with open(os.path.join(out, name), "wb") as f:
        f.write(struct.pack("<I", len(text)) + text + tensors(shapes))


P = "base_model.model.model."
Q = [(P + "q.lora_A.weight", [2, 3]), (P + "q.lora_B.weight", [4, 2])]
LORA = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q"]}
seed("lora", LORA, Q)
seed("dora", dict(LORA, use_dora=True), Q + [(P + "q.lora_magnitude_vector", [4])])
seed("patterns", dict(LORA, r=8, rank_pattern={"q": 2}, alpha_pattern={r"mod.*\.q": 1.5}), Q)
seed("table", LORA, [(P + "embed_tokens.lora_embedding_A", [2, 5]), (P + "embed_tokens.lora_embedding_B", [3, 2])])
seed("whole", dict(LORA, modules_to_save=["norm"], bias="all"), Q + [(P + "norm.weight", [3]), (P + "q.bias", [4])])
seed("mlx", {"fine_tune_type": "lora", "lora_parameters": {"rank": 2, "scale": 20.0, "dropout": 0}},
     [("model.q.lora_a", [3, 2]), ("model.q.lora_b", [2, 4])])
seed("refused", dict(LORA, use_bdlora=True), Q)
seed("rank", dict(LORA, r=3), Q)
seed("half", LORA, Q[:1])
E = P + "l.0.mlp.experts"
seed("experts", dict(LORA, target_modules=["up"]),
     [(f"{E}.{i}.up.lora_{x}.weight", shape) for i in range(3) for x, shape in (("A", [2, 3]), ("B", [4, 2]))])
seed("fused", dict(LORA, target_parameters=["experts.gate_up_proj", "experts.down_proj"],
                   rank_pattern={r".*\.gate_up_proj": 1}),
     [(E + ".base_layer.lora_A.weight", [2, 3]), (E + ".base_layer.lora_B.weight", [4, 2]),
      (E + ".lora_A.weight", [4, 2]), (E + ".lora_B.weight", [3, 4])])
seed("copy", LORA, Q + [(P + "embed_tokens.base_layer.weight", [3, 2])])
