"""TorchScript modules on numpy's arrays against the same modules in PyTorch, under DistributedDataParallel at 2 ranks."""

import pathlib
import sys
import tempfile
import zipfile

import numpy
import torch
import torch.multiprocessing
from safetensors.torch import load_file

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import ddp
from lockstep_program import events, run

STEPS = 50
BATCH = 16
SAMPLES = STEPS * BATCH * 2


class Cnn(torch.nn.Module):
    """With batch normalisation, for pictures of three channels."""

    def __init__(self):
        super().__init__()
        self.features = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 3, padding=1, bias=False), torch.nn.BatchNorm2d(8), torch.nn.ReLU(), torch.nn.MaxPool2d(2)
        )
        self.classifier = torch.nn.Linear(8 * 4 * 4, 3)

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


class Lstm(torch.nn.Module):
    """Over token ids."""

    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(50, 16)
        self.lstm = torch.nn.LSTM(16, 24, batch_first=True)
        self.output = torch.nn.Linear(24, 4)

    def forward(self, tokens):
        states, _ = self.lstm(self.embedding(tokens))
        return self.output(states[:, -1])


class Table(torch.nn.Module):
    """A regression on a table of six columns."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(6, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1))

    def forward(self, rows):
        return self.layers(rows)


def pictures(generator):
    inputs = generator.integers(0, 256, (SAMPLES, 3, 8, 8), dtype=numpy.uint8)
    return inputs, inputs.mean(axis=(2, 3)).argmax(axis=1)


def sentences(generator):
    tokens = generator.integers(0, 50, (SAMPLES, 12))
    return tokens, tokens.sum(axis=1) % 4


def table(generator):
    rows = generator.standard_normal((SAMPLES, 6), dtype=numpy.float32)
    return rows, numpy.sin(rows.sum(axis=1))


TASKS = {"cnn": (Cnn, pictures, "cross-entropy"), "lstm": (Lstm, sentences, "cross-entropy"), "table": (Table, table, "mse")}


def network_inputs(data):
    array = torch.from_numpy(numpy.load(data / "train_inputs.npy"))
    return array.float() / 255 if array.dtype == torch.uint8 else array


def squared_error(outputs, targets):
    return torch.nn.functional.mse_loss(outputs.squeeze(1), targets)


def train(rank, ranks, data, name, losses):
    torch.set_num_threads(1)
    make, _, loss_name = TASKS[name]
    model = make()
    model.load_state_dict(torch.jit.load(str(data / "net.pt")).state_dict())
    targets = torch.from_numpy(numpy.load(data / "train_targets.npy"))
    loss = squared_error if loss_name == "mse" else torch.nn.functional.cross_entropy
    ddp.train(rank, ranks, losses, model, network_inputs(data), targets, loss, batch=BATCH, steps=STEPS, rate=0.05)


def write_task(data, name):
    make, samples, _ = TASKS[name]
    data.mkdir()
    inputs, targets = samples(numpy.random.default_rng(3))
    for split, part in (("train", slice(None)), ("test", slice(0, 64))):
        numpy.save(data / f"{split}_inputs.npy", inputs[part])
        numpy.save(data / f"{split}_targets.npy", targets[part])
    torch.manual_seed(5)
    torch.jit.script(make()).save(str(data / "net.pt"))


def test_trains_as_in_pytorch(program, data, name):
    write_task(data, name)
    common = ["train", "--data-dir", data, "--model", data / "net.pt", "--loss", TASKS[name][2], "--lr", 0.05, "--threads", 1]
    for ranks in (1, 2):
        losses = str(data / f"losses-{ranks}.pt")
        torch.multiprocessing.spawn(train, args=(ranks, data, name, losses), nprocs=ranks)
        expected = torch.load(losses).tolist()
        folder = data / f"run-{ranks}"
        run("mpirun", "-np", ranks, "--oversubscribe", program, *common, "--batch-size", BATCH, "--shuffle", "off",
            "--max-steps", STEPS, "--log-every", 1, "--output-dir", folder)
        mine = [event["loss"] for event in events(folder, "train")]
        assert len(mine) == STEPS, len(mine)
        for step, (a, b) in enumerate(zip(mine, expected)):
            bound = 2e-3 if name == "cnn" and step >= 25 else 2e-4
            assert abs(a - b) <= bound * abs(b), (name, ranks, step, a, b)
        apart = max(abs(a - b) / abs(b) for a, b in zip(mine, expected))
        print(f"{name}, {ranks} rank(s): losses at most {apart:.1e} apart, relatively")


def test_what_was_trained_is_what_python_loads(data):
    module = torch.jit.load(str(data / "run-1" / "model.pt"))
    weights = load_file(str(data / "run-1" / "model.safetensors"))
    state = module.state_dict()
    assert set(state) == set(weights), (set(state), set(weights))
    assert all(torch.equal(state[key], weights[key]) for key in weights)


def test_has_the_same_bits_at_any_number_of_ranks(program, data, name):
    digests = set()
    common = ["train", "--data-dir", data, "--model", data / "net.pt", "--loss", TASKS[name][2], "--optimizer", "adam",
              "--global-batch-size", 32, "--virtual-shards", 4, "--epochs", 1]
    for ranks in (1, 2, 4):
        run("mpirun", "-np", ranks, "--oversubscribe", program, *common, "--output-dir", data / f"exact-{ranks}")
        digests.add(events(data / f"exact-{ranks}", "run_end")[-1]["parameters_sha256"])
    assert len(digests) == 1, digests


def test_an_operation_that_is_too_new_is_named(program, data):
    with zipfile.ZipFile(data / "net.pt") as old, zipfile.ZipFile(data / "new.pt", "w") as new:
        for entry in old.infolist():
            content = old.read(entry.filename)
            if entry.filename.endswith(".py"):
                content = content.replace(b"torch.flatten(", b"torch.flatten_of_2040(")
            new.writestr(entry.filename, content)
    said = run(program, "train", "--data-dir", data, "--model", data / "new.pt", code=3)
    assert "uses aten::flatten_of_2040, which LibTorch" in said and said.count("\n") == 1, said


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        for task in TASKS:
            folder = pathlib.Path(temporary) / task
            test_trains_as_in_pytorch(sys.argv[1], folder, task)
            test_what_was_trained_is_what_python_loads(folder)
            test_has_the_same_bits_at_any_number_of_ranks(sys.argv[1], folder, task)
        test_an_operation_that_is_too_new_is_named(sys.argv[1], pathlib.Path(temporary) / "cnn")
