"""Training throughput of the model in a config.json with PyTorch (SDPA, fused AdamW, clipping), for
shapes that the shared peer script does not name.  usage: train_torch.py FOLDER BATCH SEQ STEPS"""
import resource
import sys
import time

import torch
from transformers import AutoConfig, AutoModelForCausalLM

folder, batch, seq, steps = sys.argv[1], *map(int, sys.argv[2:5])
torch.manual_seed(1)
torch.set_num_threads(2)
cfg = AutoConfig.from_pretrained(folder)
m = AutoModelForCausalLM.from_config(cfg, attn_implementation="sdpa", dtype=torch.float32).train()
opt = torch.optim.AdamW(m.parameters(), lr=3e-4, fused=True)
x = torch.randint(0, cfg.vocab_size, (batch, seq))
times = []
for _ in range(steps):
    t = time.time()
    m(input_ids=x, labels=x).loss.backward()
    torch.nn.utils.clip_grad_norm_(m.parameters(), 1.0)
    opt.step()
    opt.zero_grad(set_to_none=True)
    times.append(time.time() - t)
times = sorted(times[2:])
print(f"torch {batch * seq / times[len(times) // 2]:.0f} tok/s rss="
      f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f}GB")
