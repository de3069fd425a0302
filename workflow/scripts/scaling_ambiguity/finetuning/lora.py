"""An audio-language model with a LoRA adapter, and a head where the protocol names one, in training."""

from typing import Any

import torch

from scaling_ambiguity.alms.loading import LOADING, LoadedALM, load_alm
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.alms.scoring import label_log_probabilities
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.finetuning.adapter import Adapter
from scaling_ambiguity.finetuning.heads import AttentionHead, make_head
from scaling_ambiguity.finetuning.inputs import FrozenInputs
from scaling_ambiguity.finetuning.quantised import quantisation
from scaling_ambiguity.finetuning.sharding import gathered_bytes, shard
from scaling_ambiguity.finetuning.shortcut import last_position_only, recomputed_layers
from scaling_ambiguity.proxies.prompts import PromptSet, load_prompts
from scaling_ambiguity.training.examples import Examples
from scaling_ambiguity.training.job import TrainingJob
from scaling_ambiguity.training.losses import choose_loss
from scaling_ambiguity.training.options import TrainingOptions
from scaling_ambiguity.training.team import ALONE, Team
from scaling_ambiguity.training.trainee import Batch, Card, Inputs, Loss, Trainee


def open_trainee(job: TrainingJob, team: Team = ALONE) -> Trainee:
    """Open the audio-language model of a job with its adapter and head.

    Raises:
        UserError: The checkpoint cannot be opened, or not with these options.
    """
    if job.prompts is None:
        raise UserError("job.prompts is missing: the file of the prompt set.")
    loss = choose_loss(job.objective, job.classes)
    alm = open_base(job.entry, job.options, team)
    head = make_head(alm, job.objective, job.classes)
    return AdaptedALM(alm, head, job.options, loss, job.classes, load_prompts(job.prompts))


def open_base(entry: dict, options: TrainingOptions, team: Team = ALONE) -> LoadedALM:
    """Open the frozen model of an entry of ``alms``: quantised, or sharded among a team, if the options say so.

    Raises:
        UserError: The checkpoint cannot be opened, or not with these options.
    """
    loading = {key: entry[key] for key in LOADING if key in entry}
    sharded = options.execution.strategy == "fsdp"
    if options.quantised:
        if sharded:
            raise UserError(
                "finetuning: `quantised` and `execution.strategy: fsdp` cannot be combined: quantised weights cannot "
                "be sharded. Remove one of the two; a quantised model usually fits on one GPU."
            )
        loading["quantisation"] = quantisation(options.quantised)
    alm = load_alm(entry["checkpoint"], placed=not sharded, **loading)
    return shard(alm, team) if sharded else alm


class AdaptedALM(Adapter):
    """A :class:`~scaling_ambiguity.training.trainee.Trainee`: the language model adapted, everything else frozen."""

    def __init__(
        self,
        alm: LoadedALM,
        head: AttentionHead | None,
        options: TrainingOptions,
        loss: Loss,
        classes: list[str],
        prompts: PromptSet,
    ):
        super().__init__(alm, options.lora, head)
        self.alm, self.loss, self.classes = alm, loss, classes
        self.checkpoint, self.revision = str(alm.model.config.name_or_path), alm.revision
        self.device, self.gathered_bytes, self.fused = alm.device, gathered_bytes(alm), False
        self.begins_at_prior = False
        # Permanently, since a layer may be recomputed for the gradient.
        self.shortcut = last_position_only(alm, classes) if head is None else None
        self._prompts, self._checkpointing = prompts, options.execution.checkpointing

    def inputs(self, examples: Examples, part: str) -> FrozenInputs:
        """Return prompts and encoder outputs of ``examples``."""
        return FrozenInputs(self.alm, self._prompts, examples, self.classes, part)

    def build(self, train: Inputs) -> None:
        """Do nothing: no weight depends on the inputs."""

    def log_distributions(self, batch: Batch) -> torch.Tensor:
        """Return the model's output for the classes, float32 (B, C), differentiable.

        Log-probabilities of the label words, or the output of the head.
        """
        with recomputed_layers(self.alm, self._checkpointing):
            if self.head is None:
                return label_log_probabilities(self.alm, batch, self.classes)
            hidden = parts(self.alm.model).language_model(**batch, use_cache=False).last_hidden_state
            return self.head.log_distributions(hidden, batch["attention_mask"])

    def batch_loss(self, batch: Batch, targets: torch.Tensor) -> torch.Tensor:
        """Return the loss of the log-distributions, a mean over the batch."""
        return self.loss(self.log_distributions(batch), targets)

    def card(self, record: dict[str, Any]) -> Card:
        """Return the text of the model card about an adapter."""
        base = f"`{record['checkpoint']}` (revision `{record['model_revision']}`)"
        what = f"""A LoRA adapter of the language model of {base}. It predicts the distribution of people's
emotion labels for a spoken utterance ({", ".join(record["classes"])}); its answers as text were never trained."""
        use = """```python
from peft import PeftModel
model = PeftModel.from_pretrained(base, "adapter")  # base: the model named above
```"""
        tags = "library_name: peft\ntags: [lora, audio-language-model, emotion-recognition, label-distribution]"
        return Card(tags, what, use)
