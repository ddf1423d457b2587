#!/usr/bin/env python3
"""The reference job in PyTorch, one process with all cores.

Usage: pytorch_single.py resident|dataloader [EPOCHS]. resident: data as tensors in memory;
dataloader: the tutorial's own way, torch.utils.data.DataLoader over a data set of samples. Prints one
line an epoch: "epoch N SECONDS", training alone.
"""
import sys
import time

import torch
from torch import nn

from fashion_mnist import BATCH, network, training_set


def resident_batches(images, labels):
    for batch in torch.randperm(len(labels)).split(BATCH):
        yield images[batch], labels[batch]


def loader_batches(images, labels):
    data = torch.utils.data.TensorDataset(images, labels)
    return torch.utils.data.DataLoader(data, batch_size=BATCH, shuffle=True)


def main():
    batches = {"resident": resident_batches, "dataloader": loader_batches}[sys.argv[1]]
    epochs = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    images, labels = training_set()
    model = network()
    loss_function = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    for epoch in range(epochs):
        start = time.perf_counter()
        for image, label in batches(images, labels):
            loss = loss_function(model(image), label)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        print("epoch", epoch + 1, time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
