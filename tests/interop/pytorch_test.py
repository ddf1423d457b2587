"""Weights between Lockstep and PyTorch, in both directions, and the records in pandas."""

import base64
import io
import json
import pathlib
import re
import sys
import tempfile

import pandas
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from lockstep_program import NeuralNetwork, dataset, events, run

program = sys.argv[1]
images, labels = dataset("t10k")


def figures(model):
    """The tutorial's test loop."""
    correct, losses = 0, []
    with torch.no_grad():
        for batch, expected in zip(images.split(64), labels.split(64)):
            logits = model(batch)
            losses.append(torch.nn.functional.cross_entropy(logits, expected).item())
            correct += (logits.argmax(1) == expected).sum().item()
    return correct / len(labels), sum(losses) / len(losses)


def test_pytorch_loads_what_lockstep_trained(folder):
    run(program, "train", "--output-dir", folder, "--train-samples", 6400, "--epochs", 1, "--lr", 0.1)
    model = NeuralNetwork()
    model.load_state_dict(load_file(str(folder / "model.safetensors")))
    accuracy, loss = figures(model)
    (test,) = events(folder, "test")
    assert abs(accuracy - test["accuracy"]) < 3e-4 and abs(loss / test["avg_loss"] - 1) < 1e-5, (accuracy, loss, test)

    answers = json.loads(run(program, "predict", "--checkpoint", folder / "model.safetensors", "--index", "0,17,9999",
                             "--json"))["predictions"]
    with torch.no_grad():
        logits = model(images[[0, 17, 9999]])
    for answer, row, label in zip(answers, logits, labels[[0, 17, 9999]]):
        assert torch.allclose(torch.tensor(answer["logits"]), row, rtol=1e-4, atol=1e-5)
        assert torch.allclose(torch.tensor(answer["probabilities"]), row.softmax(0), rtol=1e-4, atol=1e-6)
        assert answer["class"] == row.argmax().item() and answer["label"] == label.item()


def test_predictions_are_pytorchs(folder):
    record = json.loads((folder / "predictions.json").read_text())
    model = NeuralNetwork()
    model.load_state_dict(load_file(str(folder / "model.safetensors")))
    with torch.no_grad():
        confidence, predicted = model(images).softmax(1).max(1)
    confusion = torch.zeros(10, 10, dtype=torch.long).index_put_(
        (labels, predicted), torch.ones(len(labels), dtype=torch.long), accumulate=True)
    # A tie may fall either way: gradients of another order of sums.
    assert (torch.tensor(record["confusion"]) - confusion).abs().sum() <= 4
    wrong = torch.where(labels == predicted, torch.zeros(()), confidence).sort(descending=True)
    assert [round(mistake["confidence"], 4) for mistake in record["mistakes"]] == [
        round(value, 4) for value in wrong.values[:24].tolist()]
    first = record["mistakes"][0]
    assert (first["label"], first["predicted"]) == (labels[first["index"]], predicted[first["index"]])
    with Image.open(io.BytesIO(base64.b64decode(first["png_base64"]))) as picture:
        pixels = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8).reshape(28, 28)
    assert torch.equal(pixels, (images[first["index"], 0] * 255).round().long())


def test_lockstep_takes_what_pytorch_trained(folder):
    torch.manual_seed(3)
    model = NeuralNetwork()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    train_images, train_labels = dataset("train")
    for step in range(60):
        batch = slice(64 * step, 64 * (step + 1))
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(train_images[batch]), train_labels[batch]).backward()
        optimizer.step()
    file = folder / "pytorch.safetensors"
    save_file(model.state_dict(), str(file))
    accuracy, loss = figures(model)
    printed = run(program, "evaluate", "--checkpoint", file)
    percent, average = map(float, re.search(r"Accuracy: ([0-9.]+)%, Avg loss: ([0-9.]+)", printed).groups())
    assert abs(percent - 100 * accuracy) < 0.08 and abs(average - loss) < 1e-4, (printed, accuracy, loss)

    run(program, "train", "--output-dir", folder / "continued", "--init-from", file, "--shuffle", "off", "--max-steps", 1,
        "--test-samples", 64)
    first = torch.nn.functional.cross_entropy(model(train_images[:64]), train_labels[:64]).item()
    assert abs(events(folder / "continued", "train")[0]["loss"] / first - 1) < 1e-5


def test_foreign_files_are_refused_in_one_line(folder):
    weights = NeuralNetwork().state_dict()
    first = "linear_relu_stack.0.weight"
    without = {name: value for name, value in weights.items() if name != "linear_relu_stack.2.bias"}
    wrong = {
        "names": ({f"module.{name}": value for name, value in weights.items()}, "linear_relu_stack"),
        "shape": ({**weights, first: torch.zeros(512, 783)}, "has shape [512, 783]"),
        "type": ({**weights, first: weights[first].half()}, "has type F16, expected F32"),
        "missing": (without, "'linear_relu_stack.2.bias' is missing"),
        "more": ({**weights, "head.weight": torch.zeros(3)}, "no parameter 'head.weight'"),
    }
    for name, (tensors, reason) in wrong.items():
        file = folder / f"{name}.safetensors"
        save_file(tensors, str(file))
        for command in (["evaluate", "--checkpoint", file], ["predict", "--index", 0, "--checkpoint", file],
                        ["train", "--synthetic", "--init-from", file, "--output-dir", folder / "never"]):
            said = [line for line in run(program, *command, code=3).splitlines() if "warning: " not in line]
            assert len(said) == 1 and str(file) in said[0] and reason in said[0], said
    huge = folder / "huge.safetensors"
    huge.write_bytes((2**62).to_bytes(8, "little") + b"{}")
    said = run(program, "evaluate", "--checkpoint", huge, code=3)
    assert f"the header claims {2**62} bytes of a file of 10" in said, said
    assert not (folder / "never").exists()


def test_pandas_reads_the_records(folder):
    frame = pandas.read_json(folder / "metrics.jsonl", lines=True)
    losses = frame[frame.event == "train"].set_index("step").loss
    assert list(losses) == [event["loss"] for event in events(folder, "train")]


with tempfile.TemporaryDirectory() as temporary:
    work = pathlib.Path(temporary)
    test_pytorch_loads_what_lockstep_trained(work / "run")
    test_predictions_are_pytorchs(work / "run")
    test_pandas_reads_the_records(work / "run")
    test_lockstep_takes_what_pytorch_trained(work)
    test_foreign_files_are_refused_in_one_line(work)
print("pytorch_test: passed")
