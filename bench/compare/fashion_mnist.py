"""What the PyTorch peers have in common: the data as resident tensors, and the tutorial's network."""
import gzip
import pathlib

import torch
from torch import nn

FOLDER = pathlib.Path("/usr/share/datasets/fashion-mnist")
BATCH = 64


def _read(name, offset):
    with gzip.open(FOLDER / name) as file:
        return torch.frombuffer(bytearray(file.read()[offset:]), dtype=torch.uint8)


def training_set():
    """Images [60000, 784] float32 in [0, 1] and labels [60000] int64."""
    images = _read("train-images-idx3-ubyte.gz", 16).view(-1, 784).float() / 255
    return images, _read("train-labels-idx1-ubyte.gz", 8).long()


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(),
                         nn.Linear(512, 10))
