"""Fine-tune one audio-language model, or a small peer, on one label table: folds and seeds in one process.

A LoRA adapter of the language model (and the head that the protocol names), or a perceptron on
frozen speech features, is trained on the label distributions of the training part, the best step
is chosen on the validation part, and the test part is predicted. Labels of test utterances are
never read. A killed job continues from its own state; on SIGTERM or SIGUSR1 it saves the state
after the step and exits with status 75. `execution.processes` of the options, `accelerate launch`
or `torchrun` let several processes share every batch.
"""

import argparse
import gc
import sys
from pathlib import Path

import torch

from scaling_ambiguity import cli
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.finetuning.examples import gather_examples
from scaling_ambiguity.finetuning.execution import Execution
from scaling_ambiguity.finetuning.interrupts import Interrupts, listening
from scaling_ambiguity.finetuning.job import Condition, finetune_condition
from scaling_ambiguity.finetuning.kinds import open_model
from scaling_ambiguity.finetuning.launch import again, launch
from scaling_ambiguity.finetuning.parallel import Team, launched_processes, local_rank
from scaling_ambiguity.finetuning.state import drop_state
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.utterances import UTTERANCES


def main(arguments: argparse.Namespace) -> None:
    """Train and predict one condition."""
    torch.set_num_threads(1)
    trainings = len(arguments.folds) * len(arguments.seeds)
    if not trainings == len(arguments.predictions) == len(arguments.runs):
        raise UserError("finetune needs one --predictions and one --runs path for each of --seeds, of each of --folds.")
    if len(arguments.augmented) not in (0, len(arguments.folds)):
        raise UserError("finetune needs one folder in --augmented for each of --folds.")
    processes = Execution.of(arguments.options).processes
    if processes > 1 and launched_processes() is None:
        status = launch(again(), processes)
        if status:
            sys.exit(status)
        return
    with listening() as interrupts:
        train(arguments, interrupts)


def train(arguments: argparse.Namespace, interrupts: Interrupts) -> None:
    """Do the work of one process: fold by fold, each with a model as it came."""
    device = arguments.alm.get("device") or ("cuda" if torch.cuda.is_available() else "cpu")
    on_gpu = torch.device(device).type == "cuda"
    team = Team.join(cpu=not on_gpu)
    if team.size > 1 and on_gpu:
        arguments = argparse.Namespace(**vars(arguments) | {"alm": arguments.alm | {"device": f"cuda:{local_rank()}"}})
        torch.cuda.set_device(local_rank())
    for position in range(len(arguments.folds)):
        train_fold(arguments, position, team, interrupts)
        gc.collect()  # a model and its adapter hold each other; the next fold's must not lie beside them
    for fold in arguments.folds if team.main else []:  # not before all is written: unfinished jobs lose their files
        for seed in arguments.seeds:
            drop_state(state_of(arguments, fold) / f"seed-{seed}")
    team.leave()


def state_of(arguments: argparse.Namespace, fold: str) -> Path:
    """Return the folder of the states of one fold."""
    return arguments.state / f"fold-{fold}"


def train_fold(arguments: argparse.Namespace, position: int, team: Team, interrupts: Interrupts) -> None:
    """Train and predict every seed of the fold at ``position``."""
    fold, seeds = arguments.folds[position], len(arguments.seeds)
    examples = gather_examples(
        UTTERANCES.read(arguments.utterances),
        arguments.root,
        arguments.labels_table,
        SPLITS.read(arguments.splits),
        int(fold),
        arguments.classes,
        arguments.augmented[position] if arguments.augmented else None,
        arguments.encodings,
    )
    names = ("corpus", "protocol", "model", "labels", "augmentation")
    finetune_condition(
        open_model(arguments.alm, arguments.options, arguments.encoded, team),
        examples,
        Condition(**{name: getattr(arguments, name) for name in names}, fold=int(fold)),
        seeds=[int(seed) for seed in arguments.seeds],
        base_seed=arguments.seed,
        classes=arguments.classes,
        options=arguments.options,
        protocol=arguments.protocol_options,
        prompts=arguments.prompts,
        state=state_of(arguments, fold),
        predictions=arguments.predictions[position * seeds :][:seeds],
        runs=arguments.runs[position * seeds :][:seeds],
        team=team,
        interrupts=interrupts,
        online=arguments.online,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("corpus", "protocol", "model", "labels", "augmentation"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--folds", required=True, type=cli.name_list, help="numbers of the folds, e.g. 0,1")
    parser.add_argument("--seeds", required=True, type=cli.name_list, help="numbers of the trainings, e.g. 0,1")
    parser.add_argument("--alm", required=True, type=cli.json_value, help="the registry entry, as JSON")
    parser.add_argument("--options", required=True, type=cli.json_value, help="the finetuning part, as JSON")
    parser.add_argument("--protocol-options", required=True, type=cli.json_value, help="head and loss, as JSON")
    parser.add_argument("--prompts", required=True, type=Path)
    parser.add_argument("--utterances", required=True, type=Path)
    parser.add_argument("--root", required=True, type=Path, help="corpus folder; paths are relative to it")
    parser.add_argument("--labels-table", required=True, type=Path)
    parser.add_argument("--splits", required=True, type=Path)
    parser.add_argument("--augmented", type=Path, nargs="+", default=[], help="folder of augmented items, one a fold")
    parser.add_argument("--encodings", type=Path, nargs="+", default=[], help="encoder outputs of the corpus' clips")
    parser.add_argument("--online", type=cli.json_value, help="how recordings are altered whenever drawn, as JSON")
    parser.add_argument("--classes", required=True, type=cli.name_list)
    parser.add_argument("--seed", required=True, type=int)
    parser.add_argument("--encoded", type=Path, help="folder of kept speech features, for peers")
    parser.add_argument("--state", required=True, type=Path, help="folder of unfinished trainings")
    parser.add_argument("--predictions", required=True, type=Path, nargs="+", help="one table a seed, fold by fold")
    parser.add_argument("--runs", required=True, type=Path, nargs="+", help="one folder a seed, fold by fold")
    cli.run(main, parser)
