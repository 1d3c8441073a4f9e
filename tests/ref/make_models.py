#!/usr/bin/env python3
"""Makes the reference fixtures of tests/ref/{llama,qwen3}/: run with torch and transformers.

Each case NAME is a tiny random model as transformers saves it, and NAME.oracle.safetensors with what
torch computes from it in fp32 on one thread:

  ids               [B, T] the batch
  logits            [B, T, V]
  loss              mean next-token cross-entropy
  nll               [B, T-1]
  grad.<name>       gradient of the loss for every weight
  adamw_losses      ten losses on the same batch, AdamW(lr 1e-2, betas .9 .95, eps 1e-8, decay .1 on
                    matrices, none on vectors), loss measured before each step

The files are committed; tests need no Python.
"""
import os
import sys

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

torch.set_num_threads(1)
HERE = os.path.dirname(os.path.abspath(__file__))
COMMON = dict(vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
              max_position_embeddings=64, bos_token_id=1, eos_token_id=2,
              initializer_range=0.2, attention_dropout=0.0)

CASES = {
    "llama/gqa": (LlamaForCausalLM, LlamaConfig(
        **COMMON, num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-5,
        tie_word_embeddings=False)),
    "llama/scaled": (LlamaForCausalLM, LlamaConfig(
        **COMMON, num_attention_heads=4, num_key_value_heads=4, rms_norm_eps=1e-5,
        tie_word_embeddings=True, attention_bias=True, mlp_bias=True,
        rope_parameters=dict(rope_type="llama3", rope_theta=10000.0, factor=4.0,
                             low_freq_factor=1.0, high_freq_factor=4.0,
                             original_max_position_embeddings=16))),
    "qwen3/tied": (Qwen3ForCausalLM, Qwen3Config(
        **COMMON, num_attention_heads=4, num_key_value_heads=2, head_dim=16, rms_norm_eps=1e-6,
        tie_word_embeddings=True)),
    "qwen3/untied": (Qwen3ForCausalLM, Qwen3Config(
        **COMMON, num_attention_heads=2, num_key_value_heads=1, head_dim=8, rms_norm_eps=1e-6,
        tie_word_embeddings=False, rope_parameters=dict(rope_type="default",
                                                        rope_theta=1000000.0))),
}


def loss_of(model, ids):
    logits = model(input_ids=ids).logits.float()
    nll = torch.nn.functional.cross_entropy(
        logits[:, :-1].reshape(-1, logits.shape[-1]), ids[:, 1:].reshape(-1), reduction="none")
    return logits, nll.view(ids.shape[0], -1), nll.mean()


def adamw_losses(model, ids, steps=10):
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() <= 1]
    opt = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1},
                             {"params": vectors, "weight_decay": 0.0}],
                            lr=1e-2, betas=(0.9, 0.95), eps=1e-8)
    losses = []
    for _ in range(steps):
        opt.zero_grad()
        loss = loss_of(model, ids)[2]
        losses.append(loss.item())
        loss.backward()
        opt.step()
    return losses


def randomise_vectors(model):
    """Norm weights and biases start at 1 and 0, where a forgotten one would not show."""
    for name, p in model.named_parameters():
        if p.dim() == 1:
            with torch.no_grad():
                p.add_(0.1 * torch.randn_like(p))


def make(case, seed):
    cls, config = CASES[case]
    torch.manual_seed(seed)
    model = cls(config).float().train()
    randomise_vectors(model)
    ids = torch.randint(3, config.vocab_size, (2, 24))
    logits, nll, loss = loss_of(model, ids)
    loss.backward()
    out = {"ids": ids.to(torch.int32), "logits": logits.detach().contiguous(),
           "loss": loss.detach().reshape(1), "nll": nll.detach().contiguous()}
    for name, p in model.named_parameters():
        out["grad." + name] = p.grad.detach().clone()
    folder = os.path.join(HERE, case)
    model.save_pretrained(folder)
    model.zero_grad()
    out["adamw_losses"] = torch.tensor(adamw_losses(model, ids))
    save_file(out, os.path.join(HERE, case + ".oracle.safetensors"))
    print(case, "loss", loss.item(), "->", out["adamw_losses"][-1].item(), file=sys.stderr)


if __name__ == "__main__":
    for number, name in enumerate(CASES):
        make(name, 1000 + number)
