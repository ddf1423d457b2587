"""What the tests of interoperation share: running the program, its records, and the tutorial's network."""

import gzip
import json
import pathlib
import subprocess

import torch


class NeuralNetwork(torch.nn.Module):
    """The tutorial's, layer for layer."""

    def __init__(self):
        super().__init__()
        self.flatten = torch.nn.Flatten()
        self.linear_relu_stack = torch.nn.Sequential(
            torch.nn.Linear(28 * 28, 512),
            torch.nn.ReLU(),
            torch.nn.Linear(512, 512),
            torch.nn.ReLU(),
            torch.nn.Linear(512, 10),
        )

    def forward(self, images):
        return self.linear_relu_stack(self.flatten(images))


def run(program, *arguments, code=0, errors=False):
    """Runs the program, which must end with `code`; returns standard output, or the errors if asked or it failed."""
    ended = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=100)
    assert ended.returncode == code, f"exit code {ended.returncode}: {ended.stderr}"
    return ended.stderr if errors or code else ended.stdout


def events(folder, kind):
    lines = (pathlib.Path(folder) / "metrics.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == kind]


def dataset(part):
    """Images [N, 1, 28, 28] float32 in [0, 1] and labels [N] of "train" or "t10k", where the program finds them."""
    folder = pathlib.Path("/usr/share/datasets/fashion-mnist")

    def elements(name, header):
        path = folder / f"{part}-{name}"
        packed = path.with_name(path.name + ".gz")
        data = gzip.decompress(packed.read_bytes()) if packed.exists() else path.read_bytes()
        return torch.frombuffer(bytearray(data[header:]), dtype=torch.uint8)

    images = elements("images-idx3-ubyte", 16).reshape(-1, 1, 28, 28).float() / 255
    return images, elements("labels-idx1-ubyte", 8).long()
