"""Training throughput of the model in a config.json with PyTorch (SDPA, fused AdamW, clipping).
usage: train_torch.py FOLDER BATCH SEQ STEPS [--bf16] [--compile]; threads as OMP_NUM_THREADS says"""
import argparse
import os
import resource
import time

import torch
from transformers import AutoConfig, AutoModelForCausalLM

a = argparse.ArgumentParser()
a.add_argument("folder")
a.add_argument("batch", type=int)
a.add_argument("seq", type=int)
a.add_argument("steps", type=int)
a.add_argument("--bf16", action="store_true")
a.add_argument("--compile", action="store_true")
a = a.parse_args()
torch.manual_seed(1)
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
cfg = AutoConfig.from_pretrained(a.folder)
m = AutoModelForCausalLM.from_config(cfg, attn_implementation="sdpa", dtype=torch.float32).train()
if a.compile:
    m = torch.compile(m)
opt = torch.optim.AdamW(m.parameters(), lr=3e-4, fused=True)
x = torch.randint(0, cfg.vocab_size, (a.batch, a.seq))
times = []
for _ in range(a.steps):
    t = time.time()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=a.bf16):
        loss = m(input_ids=x, labels=x).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(m.parameters(), 1.0)
    opt.step()
    opt.zero_grad(set_to_none=True)
    times.append(time.time() - t)
times = sorted(times[2:])
print(f"torch {a.batch * a.seq / times[len(times) // 2]:.0f} tok/s rss="
      f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f}GB")
