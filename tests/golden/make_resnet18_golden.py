#!/usr/bin/env python3
"""Writes resnet18.json beside this file: the names, shapes and initial values of torchvision's resnet18.

Run with torchvision installed; the versions are recorded in the file. The tests only read the JSON.
"""
import json
import pathlib

import torch
import torchvision


def entry(name, tensor):
    values = tensor.double().flatten()
    ends = {"first": values[0].item(), "last": values[-1].item(), "sum": values.sum().item()}
    return {"name": name, "shape": list(tensor.shape), **ends}


torch.manual_seed(0)
model = torchvision.models.resnet18(num_classes=10)
source = f"torchvision {torchvision.__version__}, torch {torch.__version__}: resnet18(num_classes=10) after torch.manual_seed(0)"
entries = ",\n".join("  " + json.dumps(entry(name, tensor)) for name, tensor in model.state_dict().items())
text = f'{{\n "source": {json.dumps(source)},\n "state": [\n{entries}\n ]\n}}\n'
(pathlib.Path(__file__).parent / "resnet18.json").write_text(text)
