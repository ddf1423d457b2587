"""docs/data.md as a newcomer reads it; a regression and images, augmented, on numpy's arrays against PyTorch."""

import json
import os
import pathlib
import re
import shlex
import sys
import tempfile

import numpy
import torch
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from lockstep_program import events, run

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "data.md"
STEPS = 50
BATCH = 32
WORD = 2**32
CROP = 2
SEED = WORD + 7


class Mlp(torch.nn.Module):
    """Layer for layer that of `--hidden 8,8`, for a table of five columns."""

    def __init__(self):
        super().__init__()
        self.linear_relu_stack = torch.nn.Sequential(
            torch.nn.Linear(5, 8), torch.nn.ReLU(), torch.nn.Linear(8, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1)
        )

    def forward(self, rows):
        return self.linear_relu_stack(rows)


def blocks(language):
    return re.findall(f"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_the_page_works(program, work):
    (work / "table").mkdir()
    os.chdir(work)
    assert len(blocks("python")) == len(blocks("bash")) == 2
    for number, (python, shell) in enumerate(zip(blocks("python"), blocks("bash"))):
        exec(compile(python, str(PAGE), "exec"), {})
        words = shlex.split(shell)
        assert words[:4] == ["mpirun", "-np", "2", "lockstep"], words
        folder = work / f"run-{number}"
        run("mpirun", "-np", 2, "--oversubscribe", program, *words[4:], "--epochs", 8, "--output-dir", folder)
        losses = [event["avg_loss"] for event in events(folder, "test")]
        assert len(losses) == 8 and losses[-1] < 0.8 * losses[0], losses
        assert not any("accuracy" in event for event in events(folder, "test"))


def test_a_regression_trains_as_in_pytorch(program, work):
    torch.manual_seed(7)
    weights = str(work / "initial.safetensors")
    save_file(Mlp().state_dict(), weights)
    inputs = torch.from_numpy(numpy.load(work / "table" / "train_inputs.npy"))
    targets = torch.from_numpy(numpy.load(work / "table" / "train_targets.npy"))
    for loss, function in (("mse", torch.nn.functional.mse_loss), ("l1", torch.nn.functional.l1_loss)):
        model = Mlp()
        model.load_state_dict(load_file(weights))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        expected = []
        for step in range(STEPS):
            rows = slice(step * BATCH, (step + 1) * BATCH)
            optimizer.zero_grad()
            value = function(model(inputs[rows]).squeeze(1), targets[rows])
            value.backward()
            optimizer.step()
            expected.append(value.item())
        for ranks in (1, 2):
            folder = work / f"{loss}-{ranks}"
            run("mpirun", "-np", ranks, "--oversubscribe", program, "train", "--data-dir", work / "table", "--loss", loss,
                "--hidden", "8,8", "--optimizer", "adam", "--lr", 0.01, "--global-batch-size", BATCH, "--shuffle", "off",
                "--max-steps", STEPS, "--log-every", 1, "--init-from", weights, "--threads", 1, "--output-dir", folder)
            mine = [event["loss"] for event in events(folder, "train")]
            assert len(mine) == STEPS, len(mine)
            apart = max(abs(a - b) / abs(b) for a, b in zip(mine, expected))
            assert apart < 2e-4, (loss, ranks, apart)
            print(f"{loss}, {ranks} rank(s): losses at most {apart:.1e} apart, relatively")


class Classifier(torch.nn.Module):
    """Layer for layer that of `--hidden 16`, for images of three channels and as many classes."""

    def __init__(self):
        super().__init__()
        self.linear_relu_stack = torch.nn.Sequential(torch.nn.Linear(3 * 8 * 8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))

    def forward(self, images):
        return self.linear_relu_stack(images.flatten(1))


def philox(counter, key):
    """Philox4x32-10, as its authors define it (https://doi.org/10.1145/2063384.2063405)."""
    for _ in range(10):
        first, second = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = (second // WORD ^ counter[1] ^ key[0], second % WORD, first // WORD ^ counter[3] ^ key[1], first % WORD)
        key = ((key[0] + 0x9E3779B9) % WORD, (key[1] + 0xBB67AE85) % WORD)
    return counter


def augmented(images, epoch, indices):
    """What docs/data.md says of `--augment flip,crop:2`."""
    padded = torch.nn.functional.pad(images, (CROP,) * 4)
    height, width = images.shape[2:]
    result = []
    for index in indices:
        words = philox((index % WORD, index // WORD, epoch % WORD, epoch // WORD), (SEED % WORD, SEED // WORD))
        top, left = (word * (2 * CROP + 1) // WORD for word in words[:2])
        image = padded[index, :, top : top + height, left : left + width]
        result.append(image.flip(2) if words[2] >= WORD // 2 else image)
    return torch.stack(result)


def test_images_are_normalised_and_augmented_as_in_pytorch(program, work):
    torch.manual_seed(11)
    images = torch.randint(0, 256, (320, 3, 8, 8), dtype=torch.uint8)
    classes = images.float().sum((2, 3)).argmax(1)
    (work / "images").mkdir()
    for split in ("train", "test"):
        numpy.save(work / "images" / f"{split}_inputs.npy", images.numpy())
        numpy.save(work / "images" / f"{split}_targets.npy", classes.numpy())
    numbers = (images.float() / 255).double().transpose(0, 1).flatten(1)
    mean, deviation = numbers.mean(1), numbers.std(1, unbiased=False)
    model = Classifier()
    weights = str(work / "initial-images.safetensors")
    save_file(model.state_dict(), weights)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    expected = []
    for epoch in range(2):
        for indices in torch.arange(len(images)).split(BATCH):
            inputs = augmented(images, epoch, indices.tolist()).float() / 255
            inputs = (inputs - mean.float().view(3, 1, 1)) / deviation.float().view(3, 1, 1)
            optimizer.zero_grad()
            value = torch.nn.functional.cross_entropy(model(inputs), classes[indices])
            value.backward()
            optimizer.step()
            expected.append(value.item())
    for ranks in (1, 2):
        folder = work / f"images-{ranks}"
        run("mpirun", "-np", ranks, "--oversubscribe", program, "train", "--data-dir", work / "images", "--hidden", 16,
            "--augment", f"flip,crop:{CROP}", "--normalize", "auto", "--data-seed", SEED, "--shuffle", "off", "--lr", 0.1,
            "--global-batch-size", BATCH, "--epochs", 2, "--log-every", 1, "--init-from", weights, "--threads", 1,
            "--output-dir", folder)
        recorded = json.loads((folder / "config.json").read_text())["options"]["normalize"]
        pairs = [[float(number) for number in pair.split(":")] for pair in recorded.split(",")]
        pairs = torch.tensor(pairs, dtype=torch.float64)
        assert torch.allclose(pairs, torch.stack((mean, deviation), 1), rtol=1e-12, atol=0), recorded
        mine = [event["loss"] for event in events(folder, "train")]
        assert len(mine) == len(expected), len(mine)
        apart = max(abs(a - b) / abs(b) for a, b in zip(mine, expected))
        assert apart < 2e-4, (ranks, apart)
        print(f"images, {ranks} rank(s): losses at most {apart:.1e} apart, relatively")


def main(program):
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        test_the_page_works(program, work)
        test_a_regression_trains_as_in_pytorch(program, work)
        test_images_are_normalised_and_augmented_as_in_pytorch(program, work)
        os.chdir("/")


main(sys.argv[1])
