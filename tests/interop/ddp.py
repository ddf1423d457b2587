"""A training by PyTorch's DistributedDataParallel over gloo, for tests that compare Lockstep's losses with its."""

import datetime

import torch
import torch.distributed

LIMIT = datetime.timedelta(seconds=60)


def train(rank, ranks, losses, model, inputs, targets, loss, *, batch, steps, rate):
    """One of `ranks` processes, in the order of --shuffle off, by SGD; rank 0 saves the mean losses in the file `losses`."""
    torch.distributed.init_process_group("gloo", f"file://{losses}.rendezvous", rank=rank, world_size=ranks, timeout=LIMIT)
    parallel = torch.nn.parallel.DistributedDataParallel(model)
    optimizer = torch.optim.SGD(parallel.parameters(), lr=rate)
    means = []
    for step in range(steps):
        mine = torch.arange(batch) * ranks + rank + step * batch * ranks  # as DistributedSampler shares them
        optimizer.zero_grad()
        value = loss(parallel(inputs[mine]), targets[mine])
        value.backward()
        optimizer.step()
        mean = value.detach().clone()
        torch.distributed.all_reduce(mean)
        means.append(mean / ranks)
    if rank == 0:
        torch.save(torch.stack(means), losses)
