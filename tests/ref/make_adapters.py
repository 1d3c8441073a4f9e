#!/usr/bin/env python3
"""Makes the adapters of tests/ref/adapter/: run with torch, transformers and peft, after
make_models.py, whose models are the bases.

Each case NAME is an adapter folder as peft saves it, with a B that is not zero, and
NAME.oracle.safetensors with what peft computes from it in fp32 on one thread:

  ids           [B, T] the batch
  nll           [B, T-1] of base and adapter
  merged_nll    [B, T-1] after merge_and_unload()
  losses        ten losses on the batch, AdamW(lr 1e-2, betas .9 .95, eps 1e-8, decay .1 on
                matrices, none on vectors), each measured before its step
  final.<name>  the adapter's tensors after these steps

The files are committed; tests need no Python.
"""
import os
import shutil
import subprocess
import sys
import tempfile

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from peft.utils import merge_utils
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

torch.set_num_threads(1)
HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "adapter")

CASES = {
    "lora": ("llama/gqa", dict(r=4, lora_alpha=8, target_modules="all-linear")),
    "rslora": ("llama/gqa", dict(r=4, lora_alpha=8, use_rslora=True,
                                 target_modules=["q_proj", "v_proj", "down_proj"],
                                 rank_pattern={"v_proj": 2},
                                 alpha_pattern={r"layers\.1\.self_attn\.q_proj": 3})),
    "dora": ("llama/scaled", dict(r=4, lora_alpha=8, use_dora=True, target_modules="all-linear")),
    "ends": ("llama/gqa", dict(r=4, lora_alpha=8, target_modules=["embed_tokens", "lm_head",
                                                                  "k_proj"],
                               modules_to_save=["norm"])),
    "gpt2": ("gpt2/tiny", dict(r=4, lora_alpha=8, fan_in_fan_out=True,
                               target_modules=["c_attn", "c_proj"])),
    "experts": ("mixtral/tiny", dict(r=2, lora_alpha=4, target_modules="all-linear")),
    "expert_down": ("qwen3_moe/tiny", dict(r=2, lora_alpha=4, target_modules=["q_proj"],
                                           target_parameters=["mlp.experts.down_proj"])),
    "dora_ends": ("llama/gqa", dict(r=4, lora_alpha=8, use_dora=True,
                                    target_modules=["embed_tokens", "lm_head", "k_proj"])),
    "tied": ("qwen3/tied", dict(r=4, lora_alpha=4, target_modules=["embed_tokens", "q_proj"])),
}
# A case keeps its random numbers when another is added.
SEEDS = ["lora", "rslora", "dora", "ends", "gpt2", "tied", "experts", "expert_down", "dora_ends"]


def nll_of(model, ids):
    logits = model(input_ids=ids).logits.float()
    nll = torch.nn.functional.cross_entropy(
        logits[:, :-1].reshape(-1, logits.shape[-1]), ids[:, 1:].reshape(-1), reduction="none")
    return nll.view(ids.shape[0], -1)


def fill_b(model):
    """B starts at zero, where an error of scale would not show."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.requires_grad and ("lora_B" in name or "lora_embedding" in name):
                p.copy_(0.05 * torch.randn_like(p))
            elif p.requires_grad and "magnitude" in name:
                p.mul_(1 + 0.1 * torch.randn_like(p))


def train(model, ids, steps=10):
    trained = [p for p in model.parameters() if p.requires_grad]
    opt = torch.optim.AdamW(
        [{"params": [p for p in trained if p.dim() > 1], "weight_decay": 0.1},
         {"params": [p for p in trained if p.dim() <= 1], "weight_decay": 0.0}],
        lr=1e-2, betas=(0.9, 0.95), eps=1e-8)
    losses = []
    for _ in range(steps):
        opt.zero_grad()
        loss = nll_of(model, ids).mean()
        losses.append(loss.item())
        loss.backward()
        opt.step()
    return losses


def make(case, seed):
    base, options = CASES[case]
    folder = os.path.join(OUT, case)
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_pretrained(os.path.join(HERE, base),
                                                 torch_dtype=torch.float32).train()
    model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **options))
    fill_b(model)
    ids = torch.randint(3, model.config.vocab_size, (2, 12))
    out = {"ids": ids.to(torch.int32), "nll": nll_of(model, ids).detach().contiguous()}
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder, save_embedding_layers=False)
    os.remove(os.path.join(folder, "README.md"))
    out["losses"] = torch.tensor(train(model, ids))
    for name, v in get_peft_model_state_dict(model, save_embedding_layers=False).items():
        out["final." + name] = v.detach().clone().contiguous()
    fresh = AutoModelForCausalLM.from_pretrained(os.path.join(HERE, base), torch_dtype=torch.float32)
    if case != "tied":      # peft merges into the table of both sides there
        merged = PeftModel.from_pretrained(fresh, folder).merge_and_unload()
        out["merged_nll"] = nll_of(merged, ids).detach().contiguous()
    save_file(out, folder + ".oracle.safetensors")
    # The folder names its base by its place in the tree.
    path = os.path.join(folder, "adapter_config.json")
    with open(path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(text.replace(os.path.join(HERE, base), os.path.join("../..", base)))
    print(case, out["losses"][0].item(), "->", out["losses"][-1].item(), file=sys.stderr)


def kept_by_jmodel(density):
    """What DARE keeps in ours, whose random numbers are its own: for a tensor the masks of join_a and join_b."""
    masks = {}
    for k in range(2):
        with tempfile.TemporaryDirectory() as tmp:
            subprocess.run([os.path.join(os.environ.get("J_BIN", "bin"), "jmodel"), "merge", "--combine", "dare",
                            "--density", str(density), "-o", tmp + "/x"]
                           + [f"--adapter={OUT}/join_{c}={int(i == k)}" for i, c in enumerate("ab")], check=True)
            for name, v in load_file(tmp + "/x/adapter_model.safetensors").items():
                masks.setdefault(name, []).append(v != 0)
    return masks


def dare(model, method, key, density, out):
    """add_weighted_adapter() with the masks of ours in place of torch's."""
    masks = kept_by_jmodel(density)
    by_values = {}
    for k, adapter in enumerate("ab"):
        for name, v in get_peft_model_state_dict(model, adapter_name=adapter).items():
            by_values[v.numpy().tobytes()] = masks[name][k]

    def chosen(tensor, density, rescale):
        return tensor * by_values[tensor.detach().numpy().tobytes()] / density

    merge_utils.random_pruning = chosen
    model.add_weighted_adapter(["a", "b"], [0.7, -0.4], key, combination_type=method, density=density)
    for name, v in get_peft_model_state_dict(model, adapter_name=key).items():
        out[key + "." + name] = v.detach().clone().contiguous()


def make_joins():
    """join_a, join_b and what add_weighted_adapter() makes of 0.7 and -0.4 of them: METHOD.<name>.
    Wants jmodel in $J_BIN."""
    base = os.path.join(HERE, "llama/gqa")
    out = {}
    for k, alpha in enumerate((8, 3)):
        torch.manual_seed(3000 + k)
        model = get_peft_model(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), LoraConfig(
            task_type="CAUSAL_LM", r=4, lora_alpha=alpha, target_modules=["q_proj", "v_proj"]))
        fill_b(model)
        folder = os.path.join(OUT, "join_" + "ab"[k])
        shutil.rmtree(folder, ignore_errors=True)
        model.save_pretrained(folder, save_embedding_layers=False)
        os.remove(os.path.join(folder, "README.md"))
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32),
                                      os.path.join(OUT, "join_a"), adapter_name="a")
    model.load_adapter(os.path.join(OUT, "join_b"), adapter_name="b")
    for method in ("cat", "svd", "linear", "magnitude_prune", "ties"):
        model.add_weighted_adapter(["a", "b"], [0.7, -0.4], method, combination_type=method, density=0.3)
        for name, v in get_peft_model_state_dict(model, adapter_name=method).items():
            out[method + "." + name] = v.detach().clone().contiguous()
    dare(model, "dare_linear", "dare", 0.3, out)
    dare(model, "dare_ties", "dare_ties", 0.3, out)
    dare(model, "dare_ties", "dare_ties_whole", 1, out)
    save_file(out, os.path.join(OUT, "join.oracle.safetensors"))
    for k in "ab":
        path = os.path.join(OUT, "join_" + k, "adapter_config.json")
        with open(path) as f:
            text = f.read()
        with open(path, "w") as f:
            f.write(text.replace(base, "../../llama/gqa"))


if __name__ == "__main__":
    os.makedirs(OUT, exist_ok=True)
    if len(sys.argv) < 2 or "joins" in sys.argv[1:]:
        make_joins()
    for name in CASES:
        if len(sys.argv) < 2 or name in sys.argv[1:]:
            make(name, 2000 + SEEDS.index(name))
