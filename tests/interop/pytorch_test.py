"""Weights between Lockstep and PyTorch, in both directions, and the records in pandas."""

import base64
import hashlib
import io
import json
import pathlib
import re
import sys
import tempfile

import pandas
import safetensors.torch
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from safetensors import safe_open
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
        "names": ({f"net.{name}": value for name, value in weights.items()}, "'net.linear_relu_stack.0.bias'"),
        "shape": ({**weights, first: torch.zeros(512, 783)}, "has shape [512, 783]"),
        "type": ({**weights, first: weights[first].int()}, "holds elements of type I32"),
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


def documented(word):
    """The lines of Python with `word` in docs/files.md."""
    text = (pathlib.Path(__file__).parents[2] / "docs" / "files.md").read_text()
    (snippet,) = [one for one in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if word in one]
    return snippet


def test_checkpoints_load_as_the_documentation_says(folder):
    """Adam's: what the optimizer keeps lies beside the parameters."""
    run(program, "train", "--output-dir", folder, "--synthetic", "--max-steps", 2, "--optimizer", "adam", "--hidden",
        "512,512", "--test-samples", 64)
    snippet = re.sub(r'"runs/[^"]*checkpoints/latest"', "path", documented("optimizer."))
    model = NeuralNetwork()
    exec(snippet, {"model": model, "path": str(folder / "checkpoints" / "latest")})
    final = load_file(str(folder / "model.safetensors"))
    assert all(torch.equal(value, final[name]) for name, value in model.state_dict().items())


def test_a_file_saved_again_is_the_same(folder):
    """By another program, with the same tensors and metadata: also a checkpoint, from which a run goes on."""
    saved = folder / "saved"
    options = ["train", "--synthetic", "--train-samples", 640, "--epochs", 2, "--hidden", 8, "--optimizer", "adam",
               "--test-samples", 64, "--output-dir", saved]
    run(program, *options)
    figures = run(program, "evaluate", "--synthetic", "--checkpoint", saved / "model.safetensors")
    for file in (saved / "model.safetensors", saved / "checkpoints" / "step-00000010.safetensors"):
        with safe_open(str(file), "pt") as reader:
            metadata = reader.metadata()
        before = file.read_bytes()
        save_file(load_file(str(file)), str(file), metadata=metadata)
        assert file.read_bytes() != before
        run(program, "evaluate", "--synthetic", "--checkpoint", file)
        run(program, "predict", "--index", 0, "--synthetic", "--checkpoint", file)
        found = {"metadata": metadata, "tensors": load_file(str(file)), "json": json, "hashlib": hashlib}
        exec(documented("hashlib"), found)
        assert found["digest"] == metadata["lockstep.sha256"]
    assert run(program, "evaluate", "--synthetic", "--checkpoint", saved / "model.safetensors") == figures
    # The run goes on from the checkpoint that was saved again, and ends as it did.
    for file in (saved / "checkpoints").glob("step-00000020*"):
        file.unlink()
    (end,) = events(saved, "run_end")
    run(program, *options, "--resume", "auto")
    (again,) = events(saved, "run_end")
    assert again["parameters_sha256"] == end["parameters_sha256"]
    run(program, "compare", saved, saved)


def test_other_types_and_prefixes_are_taken(folder):
    torch.manual_seed(5)
    weights = NeuralNetwork().state_dict()
    plain = folder / "plain.safetensors"
    save_file(weights, str(plain))
    expected = json.loads(run(program, "predict", "--synthetic", "--index", 3, "--json", "--checkpoint", plain))
    expected = expected["predictions"][0]["logits"]
    for type, name, error in [(torch.float16, "F16", 1e-3), (torch.bfloat16, "BF16", 1e-2), (torch.float64, "F64", 0)]:
        file = folder / f"{name}.safetensors"
        save_file({f"_orig_mod.module.{key}": value.to(type) for key, value in weights.items()}, str(file))
        arguments = ["predict", "--synthetic", "--index", 3, "--json", "--checkpoint", file]
        logits = json.loads(run(program, *arguments))["predictions"][0]["logits"]
        assert max(abs(a - b) for a, b in zip(logits, expected)) <= error, (name, logits, expected)
        said = run(program, *arguments, errors=True).splitlines()
        assert len(said) == 2 and "'_orig_mod.module.'" in said[0] and f"type {name}" in said[1], said
        run(program, "evaluate", "--synthetic", "--test-samples", 64, "--checkpoint", file)
        run(program, "train", "--synthetic", "--max-steps", 1, "--test-samples", 64, "--init-from", file,
            "--output-dir", folder / name)
    said = run(program, "train", "--synthetic", "--hidden", "256,128", "--init-from", plain, "--output-dir",
               folder / "never", code=3)
    assert "hidden widths are 512,512, the model's are 256,128" in said and "(--hidden)" in said, said


def test_files_of_torch_save_are_named(folder):
    for name, settings in [("zip", {}), ("legacy", {"_use_new_zipfile_serialization": False})]:
        file = folder / f"{name}.pt"
        torch.save(NeuralNetwork().state_dict(), file, **settings)
        said = run(program, "evaluate", "--checkpoint", file, code=3)
        assert "a file of torch.save" in said, said
        # What it says to do works.
        command = re.search(r"`(safetensors\.torch\.save_file\(.*?\))`", said).group(1)
        converted = folder / "weights.safetensors"
        exec(command.replace("'weights.safetensors'", "converted"),
             {"safetensors": safetensors, "torch": torch, "converted": str(converted)})
        run(program, "predict", "--synthetic", "--index", 0, "--checkpoint", converted)


def test_pictures_have_pillows_greys(folder):
    weights = folder / "plain.safetensors"
    generator = torch.Generator().manual_seed(1)

    def picture(mode, channels):
        data = torch.randint(0, 256, (28, 28, channels), generator=generator, dtype=torch.uint8)
        return Image.frombytes(mode, (28, 28), data.numpy().tobytes())

    colours = picture("RGB", 3)
    opaque = colours.copy()
    opaque.putalpha(255)
    made = {
        "L": picture("L", 1), "RGB": colours, "RGBA": opaque, "P": colours.quantize(50),
        "1": picture("L", 1).convert("1"), "gamma": colours,
    }
    for name, image in made.items():
        file, seen = folder / f"{name}.png", folder / "seen.png"
        chunks = PngInfo()
        if name == "gamma":
            chunks.add(b"gAMA", (100000).to_bytes(4, "big"))
        image.save(file, pnginfo=chunks)
        run(program, "predict", "--checkpoint", weights, "--invert", "off", "--png", seen, "--image", file)
        with Image.open(seen) as enlarged, Image.open(file) as original:
            shown = enlarged.resize((28, 28), Image.Resampling.NEAREST)
            assert shown.tobytes() == original.convert("L").tobytes(), name


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
    test_checkpoints_load_as_the_documentation_says(work / "adam")
    test_a_file_saved_again_is_the_same(work)
    test_other_types_and_prefixes_are_taken(work)
    test_files_of_torch_save_are_named(work)
    test_pictures_have_pillows_greys(work)
print("pytorch_test: passed")
