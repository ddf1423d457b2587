#!/usr/bin/env python3
"""Shows that two builds of lockstep compute the same, bit for bit.

Both programs run every case of cases.py. For each run, the exit code, the error, the tutorial's lines, the names of the
files, the events of metrics.jsonl without times, and the SHA-256 of every tensor in every file of weights must be
equal. Then NEW goes on with runs of OLD, and compares, reports, evaluates and predicts from them.

Building an older commit to compare with:

  git worktree add ../before COMMIT
  ../before/launch/test.sh -N
  tests/results/same_results.py ../before/build/release build/release

SAME_RESULTS_KERNELS=SkylakeX in the environment makes both use these kernels of OpenBLAS: where the builds choose
differently, results differ in the last bits.
"""

import argparse
import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

from cases import CASES, FOLLOWING

LIMIT_SECONDS = 300
KERNELS = "SAME_RESULTS_KERNELS"
HOSTS_SCRIPT = str(pathlib.Path(__file__).resolve().parents[1] / "cluster" / "hosts.sh")
HOSTS_NAME = f"lr{os.getpid()}"
# Lines that both the tutorial and a run print, with their numbers; the rest holds times.
TUTORIAL = re.compile(r"Epoch \d+$|loss: |Test Error|Validation Error| Accuracy: |Done!|-{5,}$")
# In metrics.jsonl, what differs from one run to the next.
VOLATILE = re.compile(r"seconds|_ms|_per_second|time|date|host|pid|path|^git$|^version|slowest|threads|^lockstep$")
FOLDER = re.compile(r"/\S*/(?=run\b|checkpoints\b|model\b)|\(\S+, pid \d+\)")


def tensors(path):
    """SHA-256 of each tensor of a safetensors file, with its type and shape."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    digests = {}
    for name, tensor in header.items():
        begin, end = (8 + length + offset for offset in tensor["data_offsets"])
        digests[name] = [tensor["dtype"], tensor["shape"], hashlib.sha256(content[begin:end]).hexdigest()]
    return digests


def lasting(value):
    """A JSON value without what differs from one run to the next."""
    if isinstance(value, dict):
        return {key: lasting(item) for key, item in value.items() if not VOLATILE.search(key)}
    if isinstance(value, list):
        return [lasting(item) for item in value]
    return value


def events(folder):
    path = folder / "metrics.jsonl"
    if not path.exists():
        return None
    read = [lasting(json.loads(line)) for line in path.read_text().splitlines()]
    # A checkpoint is written beside the training, and told of when that is done.
    return {
        "training": [event for event in read if event["event"] not in ("warning", "checkpoint")],
        "checkpoints": [event for event in read if event["event"] == "checkpoint"],
    }


def run_folder(folder):
    """What a run has left: names of files, tensors, events."""
    if not folder.is_dir():
        return None
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())
    return {
        "files": [re.sub(r"tfevents\..*", "tfevents", name) for name in names],
        "tensors": {name: tensors(folder / name) for name in names if name.endswith(".safetensors")},
        "events": events(folder),
    }


def outcome(build, case, work):
    """Runs one case in the folder `work`; what came of it."""
    program = str(build / "bin" / "lockstep")
    command = [program, *case["arguments"]]
    if "hosts" in case:
        hosts = ",".join(f"{HOSTS_NAME}{index}:{ranks}" for index, ranks in enumerate(case["hosts"], 1))
        command = [HOSTS_SCRIPT, "mpirun", hosts, shutil.which("mpirun"), *command]
    elif case.get("ranks", 0):
        command = ["mpirun", "-np", str(case["ranks"]), "--oversubscribe", *command]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LOCKSTEP_", "OPENBLAS_"))}
    environment |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    if KERNELS in os.environ:  # for both builds, which may choose differently
        environment["OPENBLAS_CORETYPE"] = os.environ[KERNELS]
    environment |= case.get("environment", {})
    ended = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, timeout=LIMIT_SECONDS)
    errors = [line for line in ended.stderr.splitlines() if line.startswith("lockstep: error:")]
    if case["arguments"][:1] == ["train"]:
        printed = [line for line in ended.stdout.splitlines() if TUTORIAL.match(line)]
    else:
        in_json = case.get("json") and ended.stdout.startswith("{")  # not where the command failed
    printed = [lasting(json.loads(ended.stdout))] if in_json else ended.stdout.splitlines()
    return {
        "exit code": ended.returncode,
        "errors": [FOLDER.sub("", line) for line in errors],
        "standard output": printed if case.get("output", True) else None,
        "run": run_folder(work / case["run"]) if "run" in case else None,
    }


def differences(old, new, where=""):
    """Where two outcomes differ: 'run.events.3.loss: 1.5 is 1.6'."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from differences(old.get(key), new.get(key), f"{where}.{key}")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new)):
            yield from differences(before, after, f"{where}.{index}")
    elif old != new:
        yield f"{where.lstrip('.')}: {str(old)[:200]} became {str(new)[:200]}"


def report(name, old, new):
    found = list(differences(old, new))
    print(f"{name}: {'DIFFERENT' if found else 'the same'} (exit code {new['exit code']})", flush=True)
    for line in found[:10]:
        print(f"  {line}")
    return not found


@contextlib.contextmanager
def made_hosts():
    """Two hosts that are network namespaces, which need root."""
    subprocess.run([HOSTS_SCRIPT, "up", "2"], check=True)
    try:
        yield
    finally:
        subprocess.run([HOSTS_SCRIPT, "down"], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=pathlib.Path, help="folder of a build: OLD/bin/lockstep")
    parser.add_argument("new", type=pathlib.Path, help="folder of the build to compare with it")
    parser.add_argument("--only", default="", help="only cases whose names have this in them")
    options = parser.parse_args()
    old_build, new_build = options.old.resolve(), options.new.resolve()
    os.environ["TEST_HOSTS_NAME"] = HOSTS_NAME
    alike = []
    with tempfile.TemporaryDirectory() as folder, made_hosts():
        old_work, new_work = pathlib.Path(folder) / "old", pathlib.Path(folder) / "new"
        old_work.mkdir(), new_work.mkdir()
        for case in CASES:
            if options.only in case["name"]:
                outcomes = [outcome(old_build, case, old_work), outcome(new_build, case, new_work)]
                alike.append(report(case["name"], *outcomes))
        # From here on both work on what OLD has left.
        shutil.rmtree(new_work)
        shutil.copytree(old_work, new_work, symlinks=True)
        for case in FOLLOWING:
            if options.only in case["name"]:
                outcomes = [outcome(old_build, case, old_work), outcome(new_build, case, new_work)]
                alike.append(report(case["name"], *outcomes))
    print(f"{sum(alike)} of {len(alike)} cases are the same")
    return 0 if alike and all(alike) else 1


if __name__ == "__main__":
    sys.exit(main())
