#!/usr/bin/env python3
"""Makes the reference fixtures of tests/ref/FAMILY/: run with torch and transformers.

Each case NAME is a tiny random model as transformers saves it, and NAME.oracle.safetensors with what
torch computes from it in fp32 on one thread:

  ids               [B, T] the batch
  logits            [B, T, V]
  loss              mean next-token cross-entropy
  greedy            ids that greedy decoding adds to the first 8 of the batch's first row
  aux               the router's balance loss (mixture of experts), part of the gradients
  grad.<name>       gradient of the loss for every weight, by the names and in the order of rows that
                    the library has in memory: matrices [outputs, inputs], experts stacked
  adamw_losses      (llama, qwen3) ten losses on the same batch, AdamW(lr 1e-2, betas .9 .95, eps 1e-8,
                    decay .1 on matrices, none on vectors), loss measured before each step
  hidden, pooled    (bert) last hidden states and their mean over real rows; mask: which are real

rope_fixture.h has rotary frequencies of each kind of scaling.  The files are committed; tests need no
Python.  usage: make_models.py [CASE...]
"""
import json
import os
import re
import sys

import torch
from safetensors.torch import save_file
from transformers import (BertConfig, BertModel, Gemma2Config, Gemma2ForCausalLM, Gemma3ForCausalLM,
                          Gemma3TextConfig, GPT2Config, GPT2LMHeadModel, LlamaConfig,
                          LlamaForCausalLM, MistralConfig, MistralForCausalLM, MixtralConfig,
                          MixtralForCausalLM, Phi3Config, Phi3ForCausalLM, Qwen2Config,
                          Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM, Qwen3MoeConfig,
                          Qwen3MoeForCausalLM, SmolLM3Config, SmolLM3ForCausalLM)
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

torch.set_num_threads(1)
HERE = os.path.dirname(os.path.abspath(__file__))
COMMON = dict(vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
              max_position_embeddings=64, bos_token_id=1, eos_token_id=2,
              initializer_range=0.2, attention_dropout=0.0)
SMALL = dict(vocab_size=40, hidden_size=16, intermediate_size=24, num_hidden_layers=2,
             num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64,
             bos_token_id=1, eos_token_id=2, pad_token_id=0, initializer_range=0.3,
             attention_dropout=0.0)

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
    "llama/yarn": (LlamaForCausalLM, LlamaConfig(
        **SMALL, rope_parameters=dict(rope_type="yarn", rope_theta=1000.0, factor=4.0,
                                      original_max_position_embeddings=16))),
    "gpt2/tiny": (GPT2LMHeadModel, GPT2Config(
        vocab_size=40, n_positions=64, n_embd=16, n_layer=2, n_head=4, n_inner=None,
        resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, initializer_range=0.3, bos_token_id=1,
        eos_token_id=2)),
    "mistral/window": (MistralForCausalLM, MistralConfig(**SMALL, head_dim=6, sliding_window=5)),
    "qwen2/window": (Qwen2ForCausalLM, Qwen2Config(
        **SMALL, use_sliding_window=True, sliding_window=5, max_window_layers=1,
        tie_word_embeddings=True)),
    "phi3/plain": (Phi3ForCausalLM, Phi3Config(**SMALL)),
    "phi3/long": (Phi3ForCausalLM, Phi3Config(
        **{**SMALL, "hidden_size": 32}, original_max_position_embeddings=8,
        rope_parameters=dict(rope_type="longrope", rope_theta=10000.0, partial_rotary_factor=0.75,
                             short_factor=[1.0, 1.1, 1.3], long_factor=[1.0, 2.5, 6.0]))),
    "gemma2/tiny": (Gemma2ForCausalLM, Gemma2Config(
        **SMALL, head_dim=8, sliding_window=5, query_pre_attn_scalar=8,
        attn_logit_softcapping=2.0, final_logit_softcapping=3.0)),
    "gemma3/tiny": (Gemma3ForCausalLM, Gemma3TextConfig(
        **{**SMALL, "num_hidden_layers": 6}, head_dim=4, sliding_window=5,
        query_pre_attn_scalar=4)),
    "smollm3/tiny": (SmolLM3ForCausalLM, SmolLM3Config(
        **{**SMALL, "num_hidden_layers": 4})),
    "mixtral/tiny": (MixtralForCausalLM, MixtralConfig(
        **SMALL, num_local_experts=4, num_experts_per_tok=2, output_router_logits=True,
        router_aux_loss_coef=0.1)),
    "qwen3_moe/tiny": (Qwen3MoeForCausalLM, Qwen3MoeConfig(
        **{**SMALL, "num_hidden_layers": 3}, head_dim=8, num_experts=5, num_experts_per_tok=2,
        moe_intermediate_size=12, mlp_only_layers=[1], output_router_logits=True,
        router_aux_loss_coef=0.1)),
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


def gradients(model):
    """By our names and orders."""
    conv = {"c_attn", "c_proj", "c_fc"}
    for name, p in model.named_parameters():
        g = p.grad.detach().clone()
        parts = name.split(".")
        mixtral = model.config.model_type == "mixtral"
        if name.startswith("transformer.h.") and parts[-2] in conv and g.dim() == 2:
            yield name, g.t().contiguous()
        elif ".experts." in name:
            base = name.rsplit(".", 1)[0]
            if mixtral:
                base = base.replace(".mlp.", ".block_sparse_moe.")
            low, high, down = ("w1", "w3", "w2") if mixtral else ("gate_proj", "up_proj", "down_proj")
            if parts[-1] == "down_proj":
                yield f"{base}.{down}.weight", g.reshape(-1, g.shape[-1]).contiguous()
            else:
                for half, part in zip(g.chunk(2, dim=1), (low, high)):
                    yield f"{base}.{part}.weight", half.reshape(-1, g.shape[-1]).contiguous()
        elif mixtral and name.endswith(".mlp.gate.weight"):
            yield name.replace(".mlp.", ".block_sparse_moe."), g
        else:
            yield name, g


def greedy(model, prompt, count=20):
    """Each step from the start: no cache whose rotation could be another."""
    ids = prompt.tolist()
    for _ in range(count):
        with torch.no_grad():
            ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
    return torch.tensor(ids[len(prompt):], dtype=torch.int32)


def make(case, seed):
    cls, config = CASES[case]
    config._attn_implementation = "eager"
    torch.manual_seed(seed)
    model = cls(config).float().train()
    randomise_vectors(model)
    small = config.vocab_size == 40
    ids = torch.randint(3, config.vocab_size, (2, 12 if small else 24))
    logits, nll, loss = loss_of(model, ids)
    total = loss
    out = {}
    if getattr(config, "output_router_logits", False):
        aux = model(input_ids=ids).aux_loss
        total = loss + config.router_aux_loss_coef * aux
        out["aux"] = aux.detach().reshape(1)
    total.backward()
    out |= {"ids": ids.to(torch.int32), "logits": logits.detach().contiguous(),
            "loss": loss.detach().reshape(1)}
    if not small:
        out["nll"] = nll.detach().contiguous()
    for name, g in gradients(model):
        out["grad." + name] = g
    out["greedy"] = greedy(model.eval(), ids[0, :8])
    folder = os.path.join(HERE, case)
    model.save_pretrained(folder)
    if not small:
        model.train().zero_grad()
        out["adamw_losses"] = torch.tensor(adamw_losses(model, ids))
    save_file(out, os.path.join(HERE, case + ".oracle.safetensors"))
    print(case, "loss", loss.item(), file=sys.stderr)


def make_bert():
    torch.manual_seed(77)
    config = BertConfig(vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=4,
                        intermediate_size=24, max_position_embeddings=16, initializer_range=0.3)
    model = BertModel(config).float().eval()
    randomise_vectors(model)
    ids = torch.randint(3, 40, (2, 9))
    mask = torch.ones(2, 9, dtype=torch.int32)
    mask[1, 6:] = 0
    types = torch.zeros(2, 9, dtype=torch.int32)
    types[0, 5:] = 1
    with torch.no_grad():
        hidden = model(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state
    m = mask[..., None].float()
    model.save_pretrained(os.path.join(HERE, "bert/tiny"))
    save_file({"ids": ids.to(torch.int32), "mask": mask, "types": types, "hidden": hidden.contiguous(),
               "pooled": ((hidden * m).sum(1) / m.sum(1)).contiguous()},
              os.path.join(HERE, "bert/tiny.oracle.safetensors"))


ROPES = [
    dict(rope_type="linear", rope_theta=10000.0, factor=4.0),
    dict(rope_type="dynamic", rope_theta=10000.0, factor=4.0),
    dict(rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0,
         high_freq_factor=4.0, original_max_position_embeddings=8192),
    dict(rope_type="yarn", rope_theta=1000000.0, factor=4.0, original_max_position_embeddings=32768),
    dict(rope_type="yarn", rope_theta=10000.0, factor=40.0, original_max_position_embeddings=4096,
         beta_fast=16.0, beta_slow=2.0, mscale=1.0, mscale_all_dim=0.8, truncate=False),
    dict(rope_type="yarn", rope_theta=10000.0, factor=8.0, attention_factor=1.5,
         original_max_position_embeddings=4096),
    dict(rope_type="longrope", rope_theta=10000.0, original_max_position_embeddings=4096,
         short_factor=[1.0 + 0.05 * i for i in range(16)],
         long_factor=[1.0 + 1.5 * i for i in range(16)]),
]


def make_ropes():
    with open(os.path.join(HERE, "rope_fixture.h"), "w", encoding="utf-8") as f:
        f.write("/* Made by make_models.py: rotary scalings of transformers. */\n"
                "static const struct {\n\tconst char *config;\n\tlong length;\n"
                "\tdouble attention, freq[16];\n} rope_cases[] = {\n")
        for rope in ROPES:
            for length in (1024, 65536) if rope["rope_type"] == "longrope" else (1024,):
                common = dict(vocab_size=96, hidden_size=64, intermediate_size=48,
                              num_hidden_layers=2, num_attention_heads=2,
                              max_position_embeddings=131072)
                config = LlamaConfig(**common, rope_parameters=dict(rope))
                freq, attention = ROPE_INIT_FUNCTIONS[rope["rope_type"]](config, "cpu", seq_len=length)
                text = json.dumps({"model_type": "llama", **common, "rope_parameters": rope})
                quoted = text.replace('"', '\\"')
                lines = re.findall(".{1,80}(?<!\\\\)", quoted)
                assert "".join(lines) == quoted
                f.write("\t{ " + "\n\t  ".join(f'"{x}"' for x in lines) + f", {length}, {attention!r}, {{\n")
                for i in range(0, 16, 4):
                    f.write("\t  " + " ".join(f"{v:.9g}," for v in freq[i:i + 4].tolist()) + "\n")
                f.write("\t} },\n")
        f.write("};\n")


if __name__ == "__main__":
    for number, name in enumerate(CASES):
        if not sys.argv[1:] or name in sys.argv[1:]:
            make(name, 1000 + number)
    if not sys.argv[1:] or "bert/tiny" in sys.argv[1:]:
        make_bert()
    if not sys.argv[1:] or "rope" in sys.argv[1:]:
        make_ropes()
