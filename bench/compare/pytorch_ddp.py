#!/usr/bin/env python3
"""The reference job in PyTorch: DistributedDataParallel over gloo, data resident as tensors.

Start with: torchrun --nproc-per-node 2 pytorch_ddp.py [EPOCHS]. Rank 0 prints one line an epoch:
"epoch N SECONDS", training alone, first batch to last step, as Lockstep's metrics.jsonl has it.
"""
import sys
import time

import torch
import torch.distributed as dist
from torch import nn

from fashion_mnist import BATCH, network, training_set


def main():
    epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    dist.init_process_group("gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    torch.set_num_threads(max(1, torch.get_num_threads() // world))
    images, labels = training_set()
    model = nn.parallel.DistributedDataParallel(network())
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
