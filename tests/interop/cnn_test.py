"""The CNN with batch normalisation against PyTorch's nn.Module of the same layers under DistributedDataParallel."""

import pathlib
import sys
import tempfile

import torch
import torch.multiprocessing
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import ddp
from lockstep_program import dataset, events, run

STEPS = 50
BATCH = 64
RANKS = 2


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
    torch.set_num_threads(1)
    images, labels = dataset("train")
    model = Cnn()
    model.load_state_dict(load_file(weights))
    # At a larger rate, differences of rounding grow.
    ddp.train(rank, RANKS, losses, model, images, labels, torch.nn.functional.cross_entropy, batch=BATCH, steps=STEPS, rate=0.01)


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
