"""docs/data.md as a newcomer reads it, and a regression on numpy's arrays against PyTorch."""

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


def main(program):
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        test_the_page_works(program, work)
        test_a_regression_trains_as_in_pytorch(program, work)
        os.chdir("/")


main(sys.argv[1])
