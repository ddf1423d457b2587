#!/usr/bin/env python3
"""The reference job in PyTorch: DistributedDataParallel over gloo, data resident as tensors.

Start with: torchrun --nproc-per-node 2 ddp_gloo.py [EPOCHS]. Rank 0 prints one line an epoch:
"epoch N SECONDS", training alone, first batch to last step, as Lockstep's metrics.jsonl has it.
"""
import gzip
import pathlib
import sys
import time

import torch
import torch.distributed as dist
from torch import nn

FOLDER = pathlib.Path("/usr/share/datasets/fashion-mnist")
BATCH = 64


def read(name, offset):
    with gzip.open(FOLDER / name) as file:
        return torch.frombuffer(bytearray(file.read()[offset:]), dtype=torch.uint8)


def main():
    epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    dist.init_process_group("gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    torch.set_num_threads(max(1, torch.get_num_threads() // world))
    images = read("train-images-idx3-ubyte.gz", 16).view(-1, 784).float() / 255
    labels = read("train-labels-idx1-ubyte.gz", 8).long()
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(),
                            nn.Linear(512, 10))
    model = nn.parallel.DistributedDataParallel(network)
    loss_function = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    sampler = torch.utils.data.DistributedSampler(range(len(labels)), world, rank)
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        order = torch.tensor(list(sampler))
        dist.barrier()
        start = time.perf_counter()
        for batch in order.split(BATCH):
            loss = loss_function(model(images[batch]), labels[batch])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        if rank == 0:
            print("epoch", epoch + 1, time.perf_counter() - start, flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
