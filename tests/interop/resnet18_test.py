"""--model resnet18 against the same layers in PyTorch: under DistributedDataParallel, initial weights, and files both ways."""

import json
import pathlib
import re
import sys
import tempfile

import numpy
import torch
import torch.multiprocessing
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import ddp
from lockstep_program import events, run

STEPS = 10
BATCH = 8
SAMPLES = STEPS * BATCH * 2
TEST = 64
# At 0.01, PyTorch's own losses part by some per cent within ten steps if the initial weights change in their last bit.
RATE = 0.0005


class BasicBlock(torch.nn.Module):
    def __init__(self, inputs, outputs, stride, downsample):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(outputs)
        self.conv2 = torch.nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = torch.nn.BatchNorm2d(outputs)
        self.downsample = downsample

    def forward(self, x):
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (y + (x if self.downsample is None else self.downsample(x))).relu()


class Resnet18(torch.nn.Module):
    """torchvision's, by its names and in its order; for less than 64 pixels, with the usual first layers for CIFAR."""

    def __init__(self, classes, pixels):
        super().__init__()
        large = pixels >= 64
        self.conv1 = torch.nn.Conv2d(3, 64, 7 if large else 3, 2 if large else 1, padding=3 if large else 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(64)
        self.maxpool = torch.nn.MaxPool2d(3, 2, padding=1) if large else torch.nn.Identity()
        self.layer1 = self.make_layer(64, 64, 1)
        self.layer2 = self.make_layer(64, 128, 2)
        self.layer3 = self.make_layer(128, 256, 2)
        self.layer4 = self.make_layer(256, 512, 2)
        self.fc = torch.nn.Linear(512, classes)
        for module in self.modules():
            if isinstance(module, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def make_layer(self, inputs, outputs, stride):
        downsample = None
        if stride != 1:
            convolution = torch.nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            downsample = torch.nn.Sequential(convolution, torch.nn.BatchNorm2d(outputs))
        first = BasicBlock(inputs, outputs, stride, downsample)
        return torch.nn.Sequential(first, BasicBlock(outputs, outputs, 1, None))

    def forward(self, images):
        x = self.maxpool(self.bn1(self.conv1(images)).relu())
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


def write_pictures(data):
    """Their class is the brightest of three channels."""
    data.mkdir()
    images = numpy.random.default_rng(3).integers(0, 256, (SAMPLES, 3, 16, 16), dtype=numpy.uint8)
    classes = images.mean(axis=(2, 3)).argmax(axis=1)
    for split, part in (("train", slice(None)), ("test", slice(0, TEST))):
        numpy.save(data / f"{split}_inputs.npy", images[part])
        numpy.save(data / f"{split}_targets.npy", classes[part])


def samples(data, split):
    images = torch.from_numpy(numpy.load(data / f"{split}_inputs.npy")).float() / 255
    return images, torch.from_numpy(numpy.load(data / f"{split}_targets.npy"))


def train(rank, ranks, data, weights, losses):
    torch.set_num_threads(1)
    model = Resnet18(3, 16)
    model.load_state_dict(load_file(weights))
    images, classes = samples(data, "train")
    ddp.train(rank, ranks, losses, model, images, classes, torch.nn.functional.cross_entropy, batch=BATCH, steps=STEPS, rate=RATE)


def test_trains_as_in_pytorch(program, data):
    torch.manual_seed(5)
    weights = str(data / "initial.safetensors")
    save_file(Resnet18(3, 16).state_dict(), weights)
    for ranks in (1, 2):
        losses = str(data / f"losses-{ranks}.pt")
        torch.multiprocessing.spawn(train, (ranks, data, weights, losses), ranks)
        expected = torch.load(losses).tolist()
        run("mpirun", "-np", ranks, "--oversubscribe", program, "train", "--data-dir", data, "--model", "resnet18",
            "--init-from", weights, "--lr", RATE, "--threads", 1, "--batch-size", BATCH, "--shuffle", "off",
            "--max-steps", STEPS, "--log-every", 1, "--output-dir", data / f"run-{ranks}")
        measured = [event["loss"] for event in events(data / f"run-{ranks}", "train")]
        assert len(measured) == STEPS, measured
        apart = [abs(a - b) / b for a, b in zip(measured, expected)]
        assert max(apart[:5]) <= 2e-4 and max(apart) <= 2e-3, (ranks, apart)
        print(f"{ranks} rank(s): losses at most {max(apart):.1e} apart, relatively")


def mean_loss(model, data):
    images, classes = samples(data, "test")
    model.eval()
    with torch.no_grad():
        return torch.nn.functional.cross_entropy(model(images), classes).item()


def test_pytorch_loads_what_was_trained(data):
    for ranks in (1, 2):
        model = Resnet18(3, 16)
        model.load_state_dict(load_file(str(data / f"run-{ranks}" / "model.safetensors")), strict=True)
        steps = {module.num_batches_tracked.item() for module in model.modules() if hasattr(module, "num_batches_tracked")}
        assert steps == {STEPS}, steps
        (test,) = events(data / f"run-{ranks}", "test")
        assert abs(mean_loss(model, data) / test["avg_loss"] - 1) < 1e-4, (ranks, test)


def test_what_pytorch_trained_is_evaluated(program, data):
    """Its running statistics are loaded as well: without them, the loss would be another."""
    torch.manual_seed(6)
    model = Resnet18(3, 16)
    with torch.no_grad():
        for _ in range(3):
            model(samples(data, "train")[0][:32])
    file = data / "pytorch.safetensors"
    task = {"name": "lockstep", "configuration": {"model": "resnet18"}}
    save_file(model.state_dict(), str(file), metadata={"lockstep.task": json.dumps(task)})
    printed = run(program, "evaluate", "--data-dir", data, "--checkpoint", file)
    loss = float(re.search(r"Avg loss: ([0-9.]+)", printed).group(1))
    assert abs(loss / mean_loss(model, data) - 1) < 1e-4, (printed, mean_loss(model, data))


def test_the_same_seed_draws_the_same_bits(program, data):
    """After a step that is too small to change any number but zero."""
    for pixels in (16, 64):
        folder = data / f"drawn-{pixels}"
        run(program, "train", "--model", "resnet18", "--synthetic", "--input-shape", f"3,{pixels},{pixels}", "--classes", 7,
            "--train-samples", 4, "--test-samples", 4, "--seed", 3, "--max-steps", 1, "--lr", 1e-30, "--output-dir", folder)
        drawn = load_file(str(folder / "model.safetensors"))
        torch.manual_seed(3)
        for name, value in Resnet18(7, pixels).named_parameters():
            assert (drawn[name] - value).abs().max().item() < 1e-20, (pixels, name)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary) / "data"
        write_pictures(folder)
        test_trains_as_in_pytorch(sys.argv[1], folder)
        test_pytorch_loads_what_was_trained(folder)
        test_what_pytorch_trained_is_evaluated(sys.argv[1], folder)
        test_the_same_seed_draws_the_same_bits(sys.argv[1], folder)
    print("resnet18_test: passed")
