"""What a step keeps is counted right, said beforehand, and too little memory is a message, not a traceback."""

import re
import resource

import psutil
import pytest
import torch

from scaling_ambiguity.code_identity import SCRIPTS
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.training.memory import (
    RESERVE,
    Foreseen,
    explain_out_of_memory,
    foresee,
    free_memory,
    kept_for_gradient,
    ran_out,
)
from scaling_ambiguity.training.options import Execution, TrainingOptions

MIB = 2**20


def foreseen(free, batch=16, **execution):
    return Foreseen(100 * MIB, 6 * MIB, 4 * MIB, 10 * MIB, free, batch, Execution(**execution))


def test_what_a_linear_layer_keeps_is_known():
    """Of y = relu(x W) are kept: x (n, 3) for the gradient of W, y (n, 5) for relu's; W itself is no activation."""
    weight = torch.nn.Parameter(torch.randn(3, 5))
    known = {weight.untyped_storage().data_ptr()}
    for n in (1, 7):
        x = torch.randn(n, 3)
        assert kept_for_gradient(lambda x=x: torch.relu(x @ weight).sum(), known) == (4 * n * (3 + 5), 4 * n * 5)
    # x twice is one tensor in memory.
    assert kept_for_gradient(lambda: (x @ weight).sum() + (x @ weight).sum(), known) == (4 * 7 * 3, 4 * 7 * 3)


def test_batch_that_fits():
    found = foreseen(free=70 * MIB)
    assert found.activations == (4 + 16 * 10) * MIB
    assert found.fits == 6  # 6 optimiser + 4 fixed + 6 x 10 = 70
    assert "accumulate: 3`" in found.describe() and "batch: 6`" in found.describe()
    assert foreseen(free=70 * MIB - 1).fits == 5
    assert "warning" not in foreseen(free=170 * MIB).describe()
    assert "warning" in foreseen(free=170 * MIB - 1).describe()
    assert "accumulate: 2`" in foreseen(70 * MIB, processes=2).advice(6)
    assert "warning" not in foreseen(70 * MIB, accumulate=3).describe()
    assert "Not even one" in foreseen(free=19 * MIB).describe() and "checkpointing: true" in foreseen(0).describe()
    assert "checkpointing" not in foreseen(0, checkpointing=True).describe()


def test_what_failed_is_never_advised():
    with pytest.raises(UserError, match="8 utterances fit at once"), explain_out_of_memory(foreseen(10_000 * MIB)):
        torch.empty(2**60)
    with pytest.raises(UserError, match="6 utterances fit at once"), explain_out_of_memory(foreseen(70 * MIB)):
        raise torch.OutOfMemoryError("CUDA out of memory")


def test_other_errors_pass():
    with pytest.raises(RuntimeError, match="shape"), explain_out_of_memory(foreseen(70 * MIB)):
        torch.zeros(2) @ torch.zeros(3, 3)
    assert not ran_out(ValueError("not enough memory of the past".replace("memory", "rows")))


def test_limits_of_the_process_count():
    device = torch.device("cpu")
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = psutil.Process().memory_info().vms
    try:
        resource.setrlimit(resource.RLIMIT_AS, (used + 64 * MIB, before[1]))
        assert 0 < free_memory(device) <= 64 * MIB
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert 64 * MIB < free_memory(device) <= psutil.virtual_memory().total


# Runs finetune.py; once the model is loaded and the clips encoded, the process may take so many MiB more.
LIMITED = """
import resource, runpy, sys
sys.path.insert(0, sys.argv[2].rsplit("/", 1)[0])
import psutil
from scaling_ambiguity.training import loop, run
allowed, whole = int(sys.argv[1]) * 2**20, loop.train_seed
def limited(*arguments, **options):
    limit = psutil.Process().memory_info().vms + allowed
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
    return whole(*arguments, **options)
run.train_seed = limited
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.slow
def test_following_the_message_ends_in_a_training(start, run, program, tmp_path, settings):
    assert (SCRIPTS / "finetune.py").exists()
    settings.options |= {"batch": 3000, "steps": 1, "evaluate_every": 1}
    output = run(["-c", LIMITED, "600", *program(tmp_path)], expected=1)
    assert "Traceback" not in output
    assert "memory: parameters" in output and "warning: this may not fit" in output
    # The limit counts addresses, of which an allocator wastes some: following the advice may take a second message.
    for _ in range(3):
        pieces = int(re.findall(r"accumulate: (\d+)", output)[-1])
        settings.options["execution"] = {"accumulate": pieces}
        process = start(["-c", LIMITED, "600", *program(tmp_path)])
        output, _ = process.communicate(timeout=200)
        if process.returncode == 0:
            break
        assert "error: out of memory" in output
    assert (tmp_path / "run-1/run.json").exists()


def test_estimate_is_printed_and_right(trainee, gather, settings):
    """Twice the batch keeps twice the bytes, and the estimate is what a real step of the longest prompts keeps."""
    opened, options = trainee(), TrainingOptions(**settings.options | {"batch": 8})
    inputs = opened.inputs(gather().train, "train")

    def loss(rows):
        return opened.batch_loss(inputs.batch(rows), inputs.targets(rows))

    found = foresee(opened, inputs, loss, options)
    lengths = inputs.lengths()
    assert lengths == [int(inputs.batch([row])["attention_mask"].sum()) for row in range(len(inputs))]
    longest = lengths.index(max(lengths))
    known = {tensor.untyped_storage().data_ptr() for tensor in opened.module.parameters()}
    kept, largest = kept_for_gradient(lambda: loss([longest] * 8), known)
    assert found.activations == pytest.approx(RESERVE * kept + 2 * largest, rel=0.02)
    trained = sum(parameter.numel() for parameter in opened.parameters)
    assert found.optimiser == trained * 4 * 3
    assert found.parameters == sum(p.numel() * p.element_size() for p in opened.module.parameters())
