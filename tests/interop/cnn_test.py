"""The CNN with batch normalisation against PyTorch's nn.Module of the same layers under DistributedDataParallel."""

import datetime
import pathlib
import sys
import tempfile

import torch
import torch.distributed
import torch.multiprocessing
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from lockstep_program import dataset, events, run

STEPS = 50
BATCH = 64
RANKS = 2
LIMIT = datetime.timedelta(seconds=60)


class Cnn(torch.nn.Module):
    """Layer for layer that of `--model cnn --dropout 0`."""

    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(1, 16, 3, padding=1, bias=False)
        self.norm1 = torch.nn.BatchNorm2d(16)
        self.conv2 = torch.nn.Conv2d(16, 32, 3, padding=1, bias=False)
        self.norm2 = torch.nn.BatchNorm2d(32)
        self.hidden = torch.nn.Linear(32 * 7 * 7, 128)
        self.output = torch.nn.Linear(128, 10)

    def forward(self, images):
        x = torch.max_pool2d(self.norm1(self.conv1(images)).relu(), 2)
        x = torch.max_pool2d(self.norm2(self.conv2(x)).relu(), 2).flatten(1)
        return self.output(self.hidden(x).relu())


def train(rank, weights, losses):
    """One of RANKS processes; rank 0 saves the mean losses."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", f"file://{losses}.rendezvous", rank=rank, world_size=RANKS, timeout=LIMIT)
    images, labels = dataset("train")
    model = Cnn()
    model.load_state_dict(load_file(weights))
    parallel = torch.nn.parallel.DistributedDataParallel(model)
    optimizer = torch.optim.SGD(parallel.parameters(), lr=0.01)  # larger, and differences of rounding grow
    means = []
    for step in range(STEPS):
        mine = torch.arange(BATCH) * RANKS + rank + step * BATCH * RANKS  # as DistributedSampler shares them
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(parallel(images[mine]), labels[mine])
        loss.backward()
        optimizer.step()
        mean = loss.detach().clone()
        torch.distributed.all_reduce(mean)
        means.append(mean / RANKS)
    if rank == 0:
        torch.save(torch.stack(means), losses)


def main(program):
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        torch.manual_seed(5)
        weights = str(work / "initial.safetensors")
        save_file(Cnn().state_dict(), weights)
        losses = str(work / "losses.pt")
        torch.multiprocessing.spawn(train, (weights, losses), RANKS)
        expected = torch.load(losses)

        run("mpirun", "-np", RANKS, "--oversubscribe", program, "train", "--model", "cnn", "--dropout", 0, "--init-from",
            weights, "--shuffle", "off", "--batch-size", BATCH, "--max-steps", STEPS, "--lr", 0.01,
            "--log-every", 1, "--test-samples", 64, "--output-dir", work / "run")
        measured = torch.tensor([event["loss"] for event in events(work / "run", "train")])
        assert len(measured) == STEPS and expected[-1] < 0.7 * expected[0], expected
        difference = (measured - expected).abs().max().item()
        assert difference < 1e-4, difference
        print(f"cnn_test: passed: {STEPS} losses differ by {difference:.1e} at most")


if __name__ == "__main__":
    main(sys.argv[1])
