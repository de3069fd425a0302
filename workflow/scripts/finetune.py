"""Train one model on one label table: folds and seeds in one process.

The model of the job's kind, e.g. a LoRA adapter of an audio-language model, is trained on the
label distributions of the training part. The best step is chosen on the validation part, and the test
part is predicted; labels of test utterances are never read. A killed job continues from its own state;
on SIGTERM or SIGUSR1 it saves the state after the step and exits with status 75. `execution.processes`
of the options, `accelerate launch` or `torchrun` let several processes share every batch.
"""

import argparse
import sys

import torch

from scaling_ambiguity import cli
from scaling_ambiguity.training.interrupts import listening
from scaling_ambiguity.training.job import TrainingJob
from scaling_ambiguity.training.launch import again, launch
from scaling_ambiguity.training.run import run_job
from scaling_ambiguity.training.team import Team, launched_processes, local_rank


def main(arguments: argparse.Namespace) -> None:
    """Train and predict one condition."""
    torch.set_num_threads(1)
    job = TrainingJob.parse(arguments.job)
    processes = job.options.execution.processes
    if processes > 1 and launched_processes() is None:
        if status := launch(again(), processes):
            sys.exit(status)
        return
    with listening() as interrupts:
        on_gpu = torch.device(job.device).type == "cuda"
        team = Team.join(cpu=not on_gpu)
        if team.size > 1 and on_gpu:
            job = job.on_device(f"cuda:{local_rank()}")
            torch.cuda.set_device(local_rank())
        run_job(job, team, interrupts)
        team.leave()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--job", required=True, help="the job as JSON; its fields are those of TrainingJob")
    cli.run(main, parser)
