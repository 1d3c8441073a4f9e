"""Makes tests/ref/optim_fixture.h: trajectories of torch.optim.AdamW with clip_grad_norm_, and of
Muon (written here in double precision from its formula, and held against torch.optim.Muon, whose
iteration runs in bfloat16).  usage: make_optim.py > tests/ref/optim_fixture.h"""
import math
import sys

import torch

torch.set_num_threads(1)
torch.manual_seed(20)
STEPS, LR, DECAY, CLIP = 6, [1e-2, 2e-2, 3e-2, 2e-2, 1e-2, 5e-3], 0.1, 1.0


def show(name, t):
    v = t.detach().to(torch.float32).flatten().tolist()
    print(f"static const float {name}[] = {{")
    for i in range(0, len(v), 6):
        print("\t" + " ".join(f"{x.hex()}f," for x in v[i:i + 6]))
    print("};")


def muon_update(m, g, mu=0.95, steps=5):
    """Momentum and the orthogonal update in double precision."""
    m.lerp_(g, 1 - mu)
    u = g.lerp(m, mu)
    x = u / (u.norm() + 1e-7)
    if x.shape[0] > x.shape[1]:
        x = x.T
    a, b, c = 3.4445, -4.7750, 2.0315
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x if u.shape[0] <= u.shape[1] else x.T


def adamw():
    w = torch.nn.Parameter(torch.randn(5, 7))
    bias = torch.nn.Parameter(torch.randn(11))
    show("adamw_w0", w)
    show("adamw_b0", bias)
    opt = torch.optim.AdamW([{"params": [w], "weight_decay": DECAY},
                             {"params": [bias], "weight_decay": 0.0}],
                            lr=LR[0], betas=(0.9, 0.95), eps=1e-8, foreach=False)
    gw = torch.randn(STEPS, 5, 7) * torch.tensor([0.1, 1, 3, 0.01, 0.5, 0.2])[:, None, None]
    gb = torch.randn(STEPS, 11) * 0.3
    show("adamw_gw", gw)
    show("adamw_gb", gb)
    norms, traj_w, traj_b = [], [], []
    for s in range(STEPS):
        w.grad, bias.grad = gw[s].clone(), gb[s].clone()
        norms.append(torch.nn.utils.clip_grad_norm_([w, bias], CLIP))
        for group in opt.param_groups:
            group["lr"] = LR[s]
        opt.step()
        traj_w.append(w.detach().clone())
        traj_b.append(bias.detach().clone())
    show("adamw_norms", torch.stack(norms))
    show("adamw_w", torch.stack(traj_w))
    show("adamw_b", torch.stack(traj_b))


def muon(rows, cols, tag):
    w = torch.randn(rows, cols, dtype=torch.float64) * 0.1
    g = torch.randn(STEPS, rows, cols, dtype=torch.float64).to(torch.float32).double()
    w = w.to(torch.float32).double()
    show(f"muon_{tag}_w0", w)
    show(f"muon_{tag}_g", g)
    p = torch.nn.Parameter(w.to(torch.float32).clone())
    opt = torch.optim.Muon([p], lr=LR[0], weight_decay=DECAY, momentum=0.95, nesterov=True,
                           adjust_lr_fn="match_rms_adamw")
    m = torch.zeros_like(w)
    for s in range(STEPS):
        u = muon_update(m, g[s])
        w = w * (1 - LR[s] * DECAY) - LR[s] * 0.2 * math.sqrt(max(rows, cols)) * u
        p.grad = g[s].to(torch.float32)
        opt.param_groups[0]["lr"] = LR[s]
        opt.step()
    far = (w - p.detach().double()).abs().max().item() / w.abs().max().item()
    assert far < 0.02, far        # bfloat16 against double
    print(f"torch.optim.Muon {tag}: largest difference {far:.4f} of the largest weight",
          file=sys.stderr)
    show(f"muon_{tag}_w", w)


print("/* Made by tests/ref/make_optim.py with torch " + torch.__version__.split("+")[0] + ". */")
show("fixture_lr", torch.tensor(LR))
adamw()
muon(6, 10, "wide")
muon(9, 4, "tall")
