"""Event files, read by TensorBoard's own loader and held against metrics.jsonl and PyTorch."""

import pathlib
import sys
import tempfile

import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from lockstep_program import NeuralNetwork, dataset, events, run

program = sys.argv[1]


def load(folder):
    everything = {"scalars": 0, "histograms": 0, "tensors": 0}
    return EventAccumulator(str(folder), size_guidance=everything).Reload()


def values(board, tag):
    return [(event.step, event.value) for event in board.Scalars(tag)]


def same(a, b):
    """Scalars are float32."""
    return len(a) == len(b) and all(
        left[0] == right[0] and left[1] == torch.tensor(right[1]).float().item() for left, right in zip(a, b)
    )


def test_every_figure_is_the_one_in_metrics(folder):
    run(program, "train", "--output-dir", folder, "--train-samples", 3000, "--epochs", 2, "--log-every", 7,
        "--validation-fraction", 0.2, "--lr-schedule", "cosine", "--lr", 0.01, "--shuffle", "off", "--histogram-every", 2)
    board = load(folder)
    train = events(folder, "train")
    for tag, key in [("train/loss", "loss"), ("train/learning_rate", "lr"),
                     ("train/gradient_norm", "gradient_norm"), ("perf/images_per_second", "images_per_second")]:
        assert same(values(board, tag), [(event["step"], event[key]) for event in train]), tag
    ends = [38, 76]  # 2400 images in batches of 64
    for kind in ("validation", "test"):
        for tag in ("accuracy", "avg_loss"):
            expected = [(step, event[tag]) for step, event in zip(ends, events(folder, kind))]
            assert same(values(board, f"{kind}/{tag}"), expected), (kind, tag)
    for part in ("data", "forward", "backward", "communication", "optimizer"):
        expected = [(step, event[f"{part}_ms"]) for step, event in zip(ends, events(folder, "epoch"))]
        assert same(values(board, f"time/{part}"), expected), part
    assert [step for step, _ in values(board, "ranks/skew")] == ends

    text = board.Tensors("options")[0].tensor_proto.string_val[0].decode()
    assert "| lr_schedule | `cosine` |" in text and "| global_batch_size | `64` |" in text, text


def test_histograms_are_those_of_the_weights(folder):
    from safetensors.torch import load_file

    board = load(folder)
    weights = load_file(str(folder / "model.safetensors"))
    assert sorted(board.Tags()["histograms"]) == sorted(
        f"{kind}/{name}" for kind in ("weights", "gradients") for name in weights)
    for name, weight in weights.items():
        (event,) = board.Histograms(f"weights/{name}")
        found, exact = event.histogram_value, weight.double()
        assert event.step == 76
        assert (found.min, found.max, found.num) == (exact.min().item(), exact.max().item(), exact.numel()), name
        assert abs(found.sum - exact.sum().item()) < 1e-9 * exact.abs().sum().item() + 1e-12, name
        assert abs(found.sum_squares / exact.square().sum().item() - 1) < 1e-9, name
        # PyTorch's own histogram, with the limits that the file names.
        edges = torch.tensor([found.min, *found.bucket_limit], dtype=torch.float64)
        assert torch.histogram(exact.flatten(), edges).hist.sub(torch.tensor(found.bucket).double()).abs().sum() <= 4, name


def test_gradient_norm_is_pytorchs(folder):
    torch.manual_seed(0)
    model = NeuralNetwork()
    images, labels = dataset("train")
    run(program, "train", "--output-dir", folder, "--max-steps", 1, "--shuffle", "off", "--test-samples", 64,
        "--clip-grad-norm", 0.01)
    torch.nn.functional.cross_entropy(model(images[:64]), labels[:64]).backward()
    norm = torch.cat([parameter.grad.flatten() for parameter in model.parameters()]).norm().item()
    ((step, found),) = values(load(folder), "train/gradient_norm")
    assert step == 1 and abs(found / norm - 1) < 1e-5, (found, norm)


def test_a_resumed_run_has_each_step_once(folder):
    options = ["train", "--output-dir", folder, "--synthetic", "--train-samples", 3200, "--epochs", 2, "--hidden", 8,
               "--log-every", 1, "--checkpoint-every", 20, "--test-samples", 64]
    run(program, *options, "--max-steps", 50)
    newest = folder / "checkpoints" / "latest"
    (newest.parent / newest.readlink()).unlink()  # as if it had not been written: goes on at step 40
    newest.unlink()
    newest.symlink_to("step-00000040.safetensors")
    run(program, *options, "--resume", "auto")
    steps = [step for step, _ in values(load(folder), "train/loss")]
    assert steps == list(range(1, 101)), steps
    assert len(list(folder.glob("events.out.tfevents.*"))) == 2


def test_off_is_off(folder):
    run(program, "train", "--output-dir", folder, "--synthetic", "--train-samples", 640, "--epochs", 1, "--hidden", 8,
        "--tensorboard", "off", "--test-samples", 64)
    assert not list(folder.glob("events.*"))
    assert "gradient_norm" not in events(folder, "train")[0]


def test_a_full_disk_costs_records_but_no_training(folder):
    """As if it were full: a file may have 10,000 bytes, enough for the weights but for nothing written beside them."""
    folder.mkdir()
    usual = ["train", "--synthetic", "--train-samples", 6400, "--test-samples", 640, "--epochs", 1, "--hidden", 2,
             "--log-every", 1]
    run(program, *usual, "--output-dir", folder / "ample")
    limited = ["-np", 1, "env", "--ignore-signal=XFSZ", "prlimit", "--fsize=10000", program]
    warnings = run("mpirun", *limited, *usual, "--output-dir", folder / "full", "--histogram-every", 1,
                   "--trace", folder / "trace.json", "--trace-steps", 100, errors=True).splitlines()
    warnings = [line for line in warnings if "File too large" in line]
    assert len(warnings) == 4, warnings
    for words in ["metrics.jsonl", "TensorBoard", "no trace: ", "predictions.json"]:
        assert sum("lockstep: warning: " in line and words in line for line in warnings) == 1, (words, warnings)
    assert not list(folder.rglob("*.part")) and not (folder / "trace.json").exists()
    assert not (folder / "full" / "predictions.json").exists()
    weights = [(folder / name / "model.safetensors").read_bytes() for name in ("ample", "full")]
    assert weights[0] == weights[1]
    # What got there is whole, and the same as where there was room.
    losses = [(event["step"], event["loss"]) for event in events(folder / "ample", "train")]
    recorded = [(event["step"], event["loss"]) for event in events(folder / "full", "train")]
    assert 1 < len(recorded) < len(losses) and set(recorded) <= set(losses)
    found = values(load(folder / "full"), "train/loss")
    assert found and same(found, [losses[step - 1] for step, _ in found])


with tempfile.TemporaryDirectory() as temporary:
    work = pathlib.Path(temporary)
    test_every_figure_is_the_one_in_metrics(work / "run")
    test_histograms_are_those_of_the_weights(work / "run")
    test_gradient_norm_is_pytorchs(work / "norm")
    test_a_resumed_run_has_each_step_once(work / "resumed")
    test_off_is_off(work / "off")
    test_a_full_disk_costs_records_but_no_training(work / "disk")
print("tensorboard_test: passed")
