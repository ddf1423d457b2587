#!/usr/bin/env python3
"""Writes pytorch.json beside this file: reference values computed by PyTorch.

Run with PyTorch 2.x and safetensors installed; the values in the repository are from torch 2.15.0
(the version is recorded in the file). The tests only read the JSON; they need no Python.
"""
import base64
import hashlib
import json
import pathlib

import torch
from torch import nn
from safetensors.torch import save


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


def optimizer_case(name, cls, kw, clip):
    """Four steps on two parameters, as a user would write them."""
    g = torch.Generator().manual_seed(11)
    params = [nn.Parameter(torch.randn(3, 2, generator=g)), nn.Parameter(torch.randn(3, generator=g))]
    start = [p.detach().flatten().tolist() for p in params]
    opt = cls(params, lr=0.05, **kw)
    grads = []
    for _ in range(4):
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


def safetensors_file():
    torch.manual_seed(3)
    net = NeuralNetwork([784, 2, 10])
    tensors = {n: p.detach().clone() for n, p in net.named_parameters()}
    images = torch.arange(2 * 784, dtype=torch.float32).reshape(2, 784) / 1568
    with torch.no_grad():
        logits = net(images)
    return {"base64": base64.b64encode(save(tensors)).decode(), "parameters_sha256": digest(net),
            "logits": logits.tolist()}


path = pathlib.Path(__file__).with_name("pytorch.json")
path.write_text(json.dumps({
    "source": f"make_pytorch_golden.py, torch {torch.__version__}",
    "initial_weights": initial_weights(), "losses": losses(), "schedules": schedules(),
    "optimizers": optimizers(), "optimizer_defaults": optimizer_defaults(), "safetensors": safetensors_file()}, indent=1) + "\n")
print("wrote", path)
