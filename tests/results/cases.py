"""What same_results.py runs: names, command lines, ranks, and over which hosts."""

SMALL = "--train-samples 2003 --test-samples 500 --epochs 2 --log-every 5 --lr 0.05"


def train(name, arguments, ranks=0, **more):
    words = f"train {SMALL} --output-dir run-{name} {arguments}".split()
    return {"name": name, "arguments": words, "ranks": ranks, "run": f"run-{name}"} | more


def other(name, arguments, **more):
    return {"name": name, "arguments": arguments.split()} | more


def resume(name, arguments, ranks=0):
    words = f"train --resume run-{name} {arguments}".split()
    return {"name": f"resume {name} {arguments}".strip(), "arguments": words, "ranks": ranks, "run": f"run-{name}"}


CASES = [
    train("defaults", ""),
    train("one-thread", "--threads 1"),
    train("two-ranks", "", ranks=2),
    train("momentum-cosine-warmup", "--momentum 0.9 --lr-schedule cosine --warmup-steps 7 --weight-decay 0.01", ranks=2),
    train("step-schedule", "--lr-schedule step --lr-step-epochs 1 --lr-gamma 0.5"),
    train("adam-exact-tail", "--optimizer adam --lr 0.001 --tail exact", ranks=2),
    train("adamw-drop-tail", "--optimizer adamw --lr 0.001 --tail drop", ranks=3),
    train("rmsprop-momentum", "--optimizer rmsprop --lr 0.001 --momentum 0.5"),
    train("accumulation", "--accumulate-steps 3 --batch-size 16", ranks=2),
    train("accumulation-exact", "--accumulate-steps 3 --batch-size 16 --tail exact", ranks=3),
    train("clipping", "--clip-grad-norm 0.5", ranks=2),
    train("validation", "--validation-fraction 0.2 --evaluate-every 2", ranks=2),
    train("bf16", "--precision bf16"),
    train("bf16-two-ranks", "--precision bf16 --momentum 0.9", ranks=2),
    train("shards-1", "--virtual-shards 4 --optimizer adam --lr 0.001 --global-batch-size 64"),
    train("shards-2", "--virtual-shards 4 --optimizer adam --lr 0.001 --global-batch-size 64", ranks=2),
    train("shards-4", "--virtual-shards 4 --optimizer adam --lr 0.001 --global-batch-size 64", ranks=4),
    train("mse", "--loss mse --hidden 64"),
    train("nll-three-layers", "--loss nll --hidden 64,32,16", ranks=2),
    train("unshuffled", "--shuffle off --seed 3"),
    train("data-seed", "--data-seed 7 --seed 3", ranks=2),
    train("synthetic", "--synthetic", ranks=2),
    train("overlap", "--overlap on --bucket-mb 0.2 --first-bucket-mb 0.1", ranks=2),
    train("not-shared", "--node-shared off --check-replicas-every 5", ranks=3),
    train("histograms", "--histogram-every 1 --trace trace.json"),
    train("checkpoints", "--checkpoint-every 10 --keep-checkpoints 4 --momentum 0.9", ranks=2),
    train("stopped", "--virtual-shards 4 --global-batch-size 64 --momentum 0.9 --max-steps 40", ranks=4),
    train("two-hosts", "--virtual-shards 4 --global-batch-size 64 --optimizer adam", hosts=(2, 2)),
    train("diverges", "--lr 1e38"),
    train("no-data", "--data-dir nowhere"),
    train("wrong-option", "--epoch 3"),
    train("wrong-value", "--tail cut"),
    train("too-many-ranks", "--train-samples 2 --tail drop", ranks=3),
    other("no-command", ""),
    other("no-checkpoint", "evaluate --checkpoint none.safetensors"),
    # The version's line names the commit.
    other("train-help", "train --help", output=False),
]

FOLLOWING = [
    # At other numbers of ranks than the run began with.
    resume("stopped", "--max-steps 45"),
    resume("stopped", "--max-steps 0", ranks=2),
    resume("checkpoints", "--epochs 3", ranks=2),
    resume("defaults", ""),
    resume("two-ranks", "--epochs 3 --lr 0.5 --optimizer adam"),
    train("init-from", "--init-from run-defaults/model.safetensors"),
    train("init-from-other-widths", "--init-from run-mse/model.safetensors"),
    other("compare-same", "compare run-shards-1 run-shards-4 --json", json=True),
    other("compare-different", "compare run-defaults run-data-seed --json", json=True),
    other("compare-text", "compare run-shards-1 run-shards-2"),
    other("evaluate", "evaluate --checkpoint run-defaults/model.safetensors --test-samples 500"),
    other("evaluate-hidden", "evaluate --checkpoint run-nll-three-layers/model.safetensors --loss nll --test-samples 500"),
    other("evaluate-checkpoint", "evaluate --checkpoint run-checkpoints/checkpoints/latest --test-samples 500"),
    other("predict", "predict --checkpoint run-mse/model.safetensors --index 0,5,17 --json", json=True),
    other("report", "report run-defaults", output=False, run="run-defaults"),
    other("report-several", "report run-defaults run-two-ranks run-stopped", output=False),
]
