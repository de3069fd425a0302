"""The kinds of models that can be trained, by name. A kind is a module that is imported when a job needs it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """What the workflow has to know about a kind before any job runs.

    Attributes:
        module: Module of the library with ``open_trainee(job, team)``, which returns a
            :class:`~scaling_ambiguity.training.trainee.Trainee`.
        prompts: It reads a prompt set.
        language_model: It computes with the whole ALM, on that model's GPUs, which are checked beforehand.
        features: Keys of its entry that name the frozen encoders whose vectors it reads.
    """

    module: str
    prompts: bool = False
    language_model: bool = False
    features: tuple[str, ...] = ()


LORA, PERCEPTRON, AMBER2 = "lora", "perceptron", "amber2"
KINDS = {
    LORA: Kind("finetuning.lora", prompts=True, language_model=True),
    PERCEPTRON: Kind("finetuning.perceptron", features=("encoder",)),
    AMBER2: Kind("amber2.trainee", features=("speech", "text")),
}
