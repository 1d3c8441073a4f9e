"""Makes tests/ref/optim_fixture.h: weights after 20 steps of the optimizers.

torch's own where torch has the optimizer (AdamW, SGD, Adafactor; Muon runs there in bfloat16, so it is
written here in double precision and held against torch.optim.Muon), by formula in double precision
elsewhere.  Weights and gradients are the same simple functions of their index here and in the test
(start(), gradient()), so the file holds results only.  With bitsandbytes at hand its table of 8-bit
values is compared too.  usage: make_optim.py > tests/ref/optim_fixture.h"""
import math
import sys

import torch

torch.set_num_threads(1)
STEPS, DECAY, CLIP = 20, 0.1, 1.0
SHAPES = [(6, 10), (9, 4), (11,)]
BIG = (64, 80)


def rate(s):
    return 0.01 * (1 + s % 4) / 4


def index(shape):
    return torch.arange(math.prod(shape), dtype=torch.int64)


def start(k, shape):
    return (((index(shape) * 613 + 17 * k) % 509).double() / 512 - 0.5).reshape(shape)


def gradient(k, s, shape):
    i = index(shape)
    g = ((i * 7919 + s * 104729 + k * 31) % 2039).double() / 1024 - 1
    return (g * 0.5 ** (i % 5 + s % 4)).reshape(shape)


def gradients(s, shapes):
    """Clipped, as clip_grad_norm_ does it."""
    g = [gradient(k, s, shape) for k, shape in enumerate(shapes)]
    norm = math.sqrt(sum((x * x).sum().item() for x in g))
    return [x * min(1.0, CLIP / (norm + 1e-6)) for x in g]


def show(name, t):
    v = torch.cat([x.detach().double().flatten() for x in t]).tolist()
    print(f"static const float traj_{name}[] = {{")
    for i in range(0, len(v), 8):
        print("\t" + " ".join(f"{x:.9g}," for x in v[i:i + 8]))
    print("};")


def decay(k):
    return DECAY if k < 2 else 0.0


def with_torch(make):
    """make(parameters, decay) makes the optimizer of one group."""
    ps = [torch.nn.Parameter(start(k, s).float()) for k, s in enumerate(SHAPES)]
    opts = [make([p], decay(k)) for k, p in enumerate(ps)]
    for s in range(STEPS):
        for k, p in enumerate(ps):
            p.grad = gradient(k, s, SHAPES[k]).float()
        torch.nn.utils.clip_grad_norm_(ps, CLIP)
        for o in opts:
            o.param_groups[0]["lr"] = rate(s)
            o.step()
    return ps


def by_formula(rule):
    """rule(w, g, state, t, lr, decay) -> w."""
    w = [start(k, s) for k, s in enumerate(SHAPES)]
    state = [{} for _ in w]
    for s in range(STEPS):
        g = gradients(s, SHAPES)
        w = [rule(w[k], g[k], state[k], s + 1, rate(s), decay(k)) for k in range(len(w))]
    return w


def moments(st, g, t, b1, b2):
    st["m"] = b1 * st.get("m", 0) + (1 - b1) * g
    st["v"] = b2 * st.get("v", 0) + (1 - b2) * g * g
    return st["m"] / (1 - b1 ** t), st["v"] / (1 - b2 ** t)


def adamw(w, g, st, t, lr, wd):
    m, v = moments(st, g, t, 0.9, 0.95)
    return w * (1 - lr * wd) - lr * m / (v.sqrt() + 1e-8)


def lion(w, g, st, t, lr, wd):
    m = st.get("m", torch.zeros_like(w))
    st["m"] = 0.99 * m + 0.01 * g
    return w * (1 - lr * wd) - lr * (0.9 * m + 0.1 * g).sign()


def lamb(w, g, st, t, lr, wd):
    m, v = moments(st, g, t, 0.9, 0.999)
    u = m / (v.sqrt() + 1e-6) + wd * w
    return w - lr * (w.norm() / u.norm() if wd else 1) * u


def novograd(w, g, st, t, lr, wd):
    n = (g * g).sum()
    st["v"] = n if t == 1 else 0.98 * st["v"] + 0.02 * n
    st["m"] = 0.95 * st.get("m", 0) + g / (st["v"].sqrt() + 1e-8) + wd * w
    return w - lr * st["m"]


def muon(w, g, st, t, lr, wd):
    if w.dim() < 2:
        return adamw(w, g, st, t, lr, wd)
    st["m"] = 0.95 * st.get("m", 0) + 0.05 * g
    u = g.lerp(st["m"], 0.95)
    x = u / (u.norm() + 1e-7)
    if x.shape[0] > x.shape[1]:
        x = x.T
    a, b, c = 3.4445, -4.7750, 2.0315
    for _ in range(5):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    x = x if u.shape[0] <= u.shape[1] else x.T
    return w * (1 - lr * wd) - lr * 0.2 * math.sqrt(max(w.shape)) * x


def check_muon(ours):
    def make(ps, wd):
        if ps[0].dim() < 2:
            return torch.optim.AdamW(ps, lr=1, weight_decay=wd, betas=(0.9, 0.95))
        return torch.optim.Muon(ps, lr=1, weight_decay=wd, momentum=0.95, nesterov=True,
                                adjust_lr_fn="match_rms_adamw")

    for w, p in zip(ours, with_torch(make)):
        far = (w - p.detach().double()).abs().max().item() / w.abs().max().item()
        print(f"torch.optim.Muon: largest difference {far:.4f} of the largest weight",
              file=sys.stderr)
        assert far < 0.02


def average(decay):
    """The moving average of AdamW's weights."""
    avg = [start(k, s) for k, s in enumerate(SHAPES)]

    def rule(w, g, st, t, lr, wd):
        w = adamw(w, g, st, t, lr, wd)
        a = st.setdefault("a", avg[st.setdefault("k", [x.shape for x in avg].index(w.shape))])
        st["a"] = a + (1 - min(decay, (1 + t) / (10 + t))) * (w - a)
        out[st["k"]] = st["a"]
        return w

    out = {}
    by_formula(rule)
    return [out[k] for k in range(len(avg))]


def in_groups(factors, decays):
    """AdamW with a rate and a decay of its own for each group."""
    ps = [torch.nn.Parameter(start(k, s).float()) for k, s in enumerate(SHAPES)]
    opt = torch.optim.AdamW([{"params": [p], "weight_decay": decay(k) * decays[k]}
                             for k, p in enumerate(ps)], lr=1, betas=(0.9, 0.95), foreach=False)
    for s in range(STEPS):
        for k, p in enumerate(ps):
            p.grad = gradient(k, s, SHAPES[k]).float()
        torch.nn.utils.clip_grad_norm_(ps, CLIP)
        for group, factor in zip(opt.param_groups, factors):
            group["lr"] = rate(s) * factor
        opt.step()
    return ps


def sam(radius):
    """SAM around torch's SGD on the loss w^2 / 2 + gradient w, whose gradient depends on w."""
    ps = [torch.nn.Parameter(start(k, s)) for k, s in enumerate(SHAPES)]
    opts = [torch.optim.SGD([p], lr=1, momentum=0.9, weight_decay=decay(k)) for k, p in enumerate(ps)]
    for s in range(STEPS):
        add = [gradient(k, s, shape) for k, shape in enumerate(SHAPES)]
        up = [g + p.detach() for g, p in zip(add, ps)]
        norm = math.sqrt(sum((x * x).sum().item() for x in up))
        for k, p in enumerate(ps):
            p.grad = add[k] + p.detach() + radius / (norm + 1e-12) * up[k]
        torch.nn.utils.clip_grad_norm_(ps, CLIP)
        for o in opts:
            o.param_groups[0]["lr"] = rate(s)
            o.step()
    return ps


def codebook(signed):
    v = [0.0, 1.0]
    for i in range(7):
        edges = torch.linspace(0.1, 1, (2 ** i if signed else 2 ** (i + 1)) + 1,
                               dtype=torch.float64)
        mid = 10.0 ** (i - 6) * (edges[:-1] + edges[1:]) / 2
        v += mid.tolist() + ((-mid).tolist() if signed else [])
    return torch.tensor(sorted(v)).float()


def check_codebook():
    try:
        from bitsandbytes.functional import create_dynamic_map
    except ImportError:
        print("no bitsandbytes: table of values not compared", file=sys.stderr)
        return
    for signed in (True, False):
        far = (codebook(signed) - create_dynamic_map(signed).float()).abs().max().item()
        print(f"bitsandbytes, signed={signed}: largest difference {far:.1e}", file=sys.stderr)
        assert far < 1e-7


def quantise(x, book, floor):
    b = x.reshape(-1, 256)
    scale = b.abs().amax(1, keepdim=True)
    y = b / scale
    q = torch.searchsorted((book[:-1] + book[1:]) / 2, y.contiguous())
    if floor:
        q[(q == 0) & (y > 0)] = 1
    return (book[q] * scale).reshape(x.shape)


def adamw8bit():
    """AdamW whose moments go through 8 bits after every step."""
    w, m, v = start(0, BIG).float(), torch.zeros(BIG), torch.zeros(BIG)
    signed, unsigned = codebook(True), codebook(False)
    for s in range(STEPS):
        g, t, lr = gradients(s, [BIG])[0].float(), s + 1, rate(s)
        m, v = m.lerp(g, 0.1), 0.95 * v + 0.05 * g * g
        w = w * (1 - lr * DECAY) - lr / (1 - 0.9 ** t) * m / (
            v.sqrt() / math.sqrt(1 - 0.95 ** t) + 1e-8)
        m, v = quantise(m, signed, False), quantise(v, unsigned, True)
    return w.flatten()[::61]


def sgd(momentum, nesterov):
    return with_torch(lambda ps, wd: torch.optim.SGD(
        ps, lr=1, momentum=momentum, nesterov=nesterov, weight_decay=wd))


print("/* Made by tests/ref/make_optim.py with torch " + torch.__version__.split("+")[0] + ". */")
show("adamw", with_torch(lambda ps, wd: torch.optim.AdamW(
    ps, lr=1, weight_decay=wd, betas=(0.9, 0.95), foreach=False)))
show("sgd", sgd(0.9, False))
show("sgd_nesterov", sgd(0.9, True))
show("sgd_plain", sgd(0, False))
show("adafactor", with_torch(lambda ps, wd: torch.optim.Adafactor(
    ps, lr=1, weight_decay=wd, foreach=False)))
show("lion", by_formula(lion))
show("lamb", by_formula(lamb))
show("novograd", by_formula(novograd))
ours = by_formula(muon)
check_muon(ours)
show("muon", ours)
show("average", average(0.6))
show("groups", in_groups([0.5, 2, 1], [0, 3, 1]))
show("sam", sam(0.5))
check_codebook()
show("adamw8bit", [adamw8bit()])
