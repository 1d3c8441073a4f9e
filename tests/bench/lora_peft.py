"""Throughput of a LoRA step with peft (all-linear, r 16) on a folder; as jtrain's: clipping, AdamW.
usage: lora_peft.py FOLDER BATCH SEQ STEPS"""
import sys
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

folder, batch, seq, steps = sys.argv[1], *map(int, sys.argv[2:5])
torch.manual_seed(1)
torch.set_num_threads(2)
m = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="sdpa", dtype=torch.float32).train()
m = get_peft_model(m, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"))
trained = [p for p in m.parameters() if p.requires_grad]
opt = torch.optim.AdamW(trained, lr=1e-3, fused=True)
x = torch.randint(0, m.config.vocab_size, (batch, seq))
times = []
for _ in range(steps):
    t = time.time()
    m(input_ids=x, labels=x).loss.backward()
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    opt.step()
    opt.zero_grad(set_to_none=True)
    times.append(time.time() - t)
times = sorted(times[2:])
print(f"{batch * seq / times[len(times) // 2]:.0f}")
