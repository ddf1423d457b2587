#!/usr/bin/env python3
"""Writes reference values computed by PyTorch to the named files beside this one, or to all:

pytorch.json       needs safetensors; the values in the repository are from torch 2.15.0
optimization.json  schedules, Nesterov momentum and label smoothing; from torch 1.13.0

Each file records the version that it is from. The tests only read the JSON; they need no Python.
"""
import base64
import hashlib
import json
import pathlib
import sys

import torch
from torch import nn


class NeuralNetwork(nn.Module):
    """The model of PyTorch's "Optimizing Model Parameters" tutorial."""

    def __init__(self, widths):
        super().__init__()
        layers = []
        for i, (a, b) in enumerate(zip(widths, widths[1:])):
            layers += [nn.Linear(a, b)] + ([nn.ReLU()] if i + 2 < len(widths) else [])
        self.flatten = nn.Flatten()
        self.linear_relu_stack = nn.Sequential(*layers)

    def forward(self, x):
        return self.linear_relu_stack(self.flatten(x))


def digest(module):
    h = hashlib.sha256()
    for p in module.parameters():
        h.update(p.detach().numpy().astype("<f4").tobytes())
    return h.hexdigest()


def initial_weights():
    out = []
    for seed, hidden in [(0, [512, 512]), (7, [512, 512]), (1, [16])]:
        torch.manual_seed(seed)
        net = NeuralNetwork([784, *hidden, 10])
        out.append({"seed": seed, "hidden": hidden, "parameters_sha256": digest(net),
                    "names": [n for n, _ in net.named_parameters()]})
    return out


def losses():
    g = torch.Generator().manual_seed(5)
    logits = torch.randn(6, 10, generator=g) * 3
    labels = torch.randint(0, 10, (6,), generator=g)
    one_hot = nn.functional.one_hot(labels, 10).float()
    return {"logits": logits.tolist(), "labels": labels.tolist(),
            "cross_entropy": nn.CrossEntropyLoss()(logits, labels).item(),
            "nll": nn.NLLLoss()(nn.LogSoftmax(dim=1)(logits), labels).item(),
            "mse": nn.MSELoss()(logits, one_hot).item()}


def schedule(make, steps, per_epoch):
    p = nn.Parameter(torch.zeros(1))
    opt = torch.optim.SGD([p], lr=0.1)
    sched, every = make(opt)
    rates = []
    for s in range(steps):
        rates.append(opt.param_groups[0]["lr"])
        opt.step()
        if (s + 1) % every == 0:
            sched.step()
    return rates


def schedules():
    s, e = 24, 6
    lrs = torch.optim.lr_scheduler
    return {"lr": 0.1, "steps": s, "steps_per_epoch": e,
            "step": {"step_epochs": 2, "gamma": 0.5,
                     "rates": schedule(lambda o: (lrs.StepLR(o, 2, gamma=0.5), e), s, e)},
            "cosine": schedule(lambda o: (lrs.CosineAnnealingLR(o, T_max=s), 1), s, e),
            "linear": schedule(lambda o: (lrs.LinearLR(o, 1.0, 0.0, total_iters=s), 1), s, e)}


def schedule_case(name, steps, warmup, make):
    """The learning rates of a whole run whose schedule is stepped every step."""
    def with_warmup(opt):
        lrs = torch.optim.lr_scheduler
        if warmup == 0:
            return make(opt, steps), 1
        rise = lrs.LinearLR(opt, start_factor=1 / warmup, total_iters=warmup - 1)
        return lrs.SequentialLR(opt, [rise, make(opt, steps - warmup)], milestones=[warmup]), 1

    return {"schedule": name, "lr": 0.1, "steps": steps, "warmup_steps": warmup,
            "rates": schedule(with_warmup, steps, 1)}


def schedules_with_warmup():
    lrs = torch.optim.lr_scheduler
    makers = {"cosine": lambda opt, steps: lrs.CosineAnnealingLR(opt, T_max=steps),
              "linear": lambda opt, steps: lrs.LinearLR(opt, 1.0, 0.0, total_iters=steps),
              "constant": lambda opt, steps: lrs.ConstantLR(opt, factor=1.0)}
    return [schedule_case(name, steps, warmup, make) for name, make in makers.items()
            for steps, warmup in ((24, 0), (24, 2), (24, 5), (200, 20))]


def one_cycles():
    def make(opt, steps):
        return torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=0.1, total_steps=steps,
                                                   cycle_momentum=False)
    return [schedule_case("onecycle", steps, 0, make) for steps in (1, 2, 3, 4, 10, 24, 97)]


def label_smoothing():
    g = torch.Generator().manual_seed(9)
    logits = (torch.randn(6, 10, generator=g) * 3).requires_grad_()
    labels = torch.randint(0, 10, (6,), generator=g)
    cases = []
    for smoothing in (0.0, 0.1, 0.5):
        logits.grad = None
        loss = nn.CrossEntropyLoss(label_smoothing=smoothing)(logits, labels)
        loss.backward()
        cases.append({"smoothing": smoothing, "loss": loss.item(),
                      "gradient": logits.grad.flatten().tolist()})
    return {"logits": logits.flatten().tolist(), "labels": labels.tolist(), "cases": cases}


def optimizer_case(name, cls, kw, clip, steps=4):
    """Some steps on two parameters, as a user would write them."""
    g = torch.Generator().manual_seed(11)
    params = [nn.Parameter(torch.randn(3, 2, generator=g)), nn.Parameter(torch.randn(3, generator=g))]
    start = [p.detach().flatten().tolist() for p in params]
    opt = cls(params, lr=0.05, **kw)
    grads = []
    for _ in range(steps):
        step = [torch.randn(p.shape, generator=g) for p in params]
        grads.append([t.flatten().tolist() for t in step])
        for p, t in zip(params, step):
            p.grad = t.clone()
        if clip:
            nn.utils.clip_grad_norm_(params, clip)
        opt.step()
    return {"optimizer": name, "lr": 0.05, "momentum": kw.get("momentum", 0.0),
            "weight_decay": kw.get("weight_decay", 0.0), "clip_grad_norm": clip,
            "start": start, "gradients": grads, "result": [p.detach().flatten().tolist() for p in params]}


def optimizer_defaults():
    """What each optimizer does when nothing but the learning rate is given."""
    cases = [optimizer_case(name, cls, {}, 0.0)
             for name, cls in [("sgd", torch.optim.SGD), ("adam", torch.optim.Adam),
                               ("adamw", torch.optim.AdamW), ("rmsprop", torch.optim.RMSprop)]]
    for case in cases:
        del case["momentum"], case["weight_decay"], case["clip_grad_norm"]
    return {"source": f"make_pytorch_golden.py, torch {torch.__version__}", "cases": cases}


def optimizers():
    cases = []
    for name, cls, kw in [("sgd", torch.optim.SGD, {}),
                          ("sgd", torch.optim.SGD, {"momentum": 0.9, "weight_decay": 0.01}),
                          ("adam", torch.optim.Adam, {"weight_decay": 0.01}),
                          ("adamw", torch.optim.AdamW, {"weight_decay": 0.05}),
                          ("rmsprop", torch.optim.RMSprop, {"momentum": 0.5})]:
        for clip in (0.0, 0.5):
            cases.append(optimizer_case(name, cls, kw, clip))
    return cases


def nesterov():
    return [optimizer_case("sgd", torch.optim.SGD, {"momentum": 0.9, "nesterov": True, **kw}, clip, 5)
            for kw, clip in [({"weight_decay": 0.01}, 0.0), ({"weight_decay": 0.01}, 0.5), ({}, 0.0)]]


def safetensors_file():
    from safetensors.torch import save
    torch.manual_seed(3)
    net = NeuralNetwork([784, 2, 10])
    tensors = {n: p.detach().clone() for n, p in net.named_parameters()}
    images = torch.arange(2 * 784, dtype=torch.float32).reshape(2, 784) / 1568
    with torch.no_grad():
        logits = net(images)
    return {"base64": base64.b64encode(save(tensors)).decode(), "parameters_sha256": digest(net),
            "logits": logits.tolist()}


def pytorch():
    return {"initial_weights": initial_weights(), "losses": losses(), "schedules": schedules(),
            "optimizers": optimizers(), "optimizer_defaults": optimizer_defaults(),
            "safetensors": safetensors_file()}


def optimization():
    return {"schedules": schedules_with_warmup() + one_cycles(), "nesterov": nesterov(),
            "label_smoothing": label_smoothing()}


files = {"pytorch.json": pytorch, "optimization.json": optimization}
for name in sys.argv[1:] or files:
    path = pathlib.Path(__file__).with_name(name)
    source = {"source": f"make_pytorch_golden.py, torch {torch.__version__}"}
    path.write_text(json.dumps(source | files[name](), indent=1) + "\n")
    print("wrote", path)
