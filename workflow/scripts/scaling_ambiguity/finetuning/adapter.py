"""The low-rank adapter (LoRA) of the language model, with its head; audio tower and projector stay frozen."""

import math
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.utils import get_peft_model_state_dict

from scaling_ambiguity.alms.families.adapters import own_adapters
from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.finetuning.heads import AttentionHead, save_head
from scaling_ambiguity.finetuning.projections import chosen
from scaling_ambiguity.io import read_json, write_json
from scaling_ambiguity.seeds import derive_seed
from scaling_ambiguity.training.options import Lora
from scaling_ambiguity.training.trainee import Weights

HEAD = "head."  # prefix of the names of the head's tensors
TRAINED = "default", "trained"  # possible names of the adapter in peft: the first that the checkpoint does not use


class Adapter:
    """A LoRA adapter inside an audio-language model, and optionally a head; reset for each seed.

    Attributes:
        module: The peft model; the base weights are shared with the LoadedALM it came from.
        head: The head; None where label words are read out.
        parameters: Its trainable tensors, in a fixed order.
    """

    def __init__(self, alm: LoadedALM, lora: Lora, head: AttentionHead | None = None):
        """Inject adapters of rank ``lora.r`` into ``lora.targets`` of the language model only.

        An adapter that belongs to the checkpoint (the speech adapter of Phi-4) stays active and frozen.

        Raises:
            UserError: There is no such target; the message lists the existing ones.
        """
        self._paths, own_names = chosen(alm.model, lora.targets), own_adapters(alm.model)
        config = LoraConfig(r=lora.r, lora_alpha=lora.alpha, lora_dropout=lora.dropout)
        config.target_modules = set(self._paths)  # full paths, as peft resolves patterns differently for some models
        self._name = next(name for name in TRAINED if name not in own_names)
        self.module: PeftModel = get_peft_model(alm.model, config, adapter_name=self._name)
        if own_names:
            self.module.base_model.set_adapter([*own_names, self._name])
        for name, parameter in self.module.named_parameters():
            parameter.requires_grad_(".lora_" in name and f".{self._name}." in name)
        adapted = {name.split(".lora_")[0] for name, p in self.module.named_parameters() if p.requires_grad}
        if adapted != {f"base_model.model.{path}" for path in self._paths}:
            raise UserError(f"finetuning.lora.targets {lora.targets}: peft adapts others: {sorted(adapted)[:5]}.")
        self.module.eval()  # the frozen base never uses dropout; only the adapter does, see `train`
        self.head = head
        self._named = sorted((name, p) for name, p in self.module.named_parameters() if p.requires_grad)
        if self.head is not None:
            self._named += sorted((f"{HEAD}{name}", p) for name, p in self.head.named_parameters())
        self.parameters = [parameter for _, parameter in self._named]

    @torch.no_grad()
    def reset(self, seed: int) -> None:
        """Set the initial values: A from the Kaiming-uniform law by (seed, name), B zero, as in arXiv 2106.09685.

        A head starts from torch's initial values, determined by the seed.
        """
        if self.head is not None:
            self.head.reset(seed)
        for name, parameter in self._named:
            if name.startswith(HEAD):
                continue
            if "lora_B" in name:
                parameter.zero_()
                continue
            random = torch.Generator().manual_seed(derive_seed(seed, "adapter", name) % 2**63)
            values = torch.empty(parameter.shape, dtype=torch.float32)
            torch.nn.init.kaiming_uniform_(values, a=math.sqrt(5), generator=random)
            parameter.copy_(values)

    def train(self, mode: bool) -> None:
        """Switch the dropout of adapter and head on or off."""
        if self.head is not None:
            self.head.train(mode)
        for name, module in self.module.named_modules():
            if "lora_dropout" in name:
                module.train(mode)

    def weights(self) -> Weights:
        """Return a copy of the trainable tensors, on the CPU."""
        return {name: parameter.detach().cpu().clone() for name, parameter in self._named}

    @torch.no_grad()
    def load(self, weights: Weights) -> None:
        """Set the trainable tensors to what :meth:`weights` returned."""
        for name, parameter in self._named:
            parameter.copy_(weights[name])

    def save(self, folder: Path) -> None:
        """Write ``adapter_config.json`` and ``adapter_model.safetensors``, for peft, and the head."""
        self.module.save_pretrained(
            str(folder),
            state_dict=get_peft_model_state_dict(self.module, adapter_name=self._name),
            selected_adapters=[self._name],
            safe_serialization=True,
            save_embedding_layers=False,
        )
        if self._name != TRAINED[0]:  # peft puts any other into a folder of that name
            for path in (folder / self._name).iterdir():
                path.rename(folder / path.name)
            (folder / self._name).rmdir()
        (folder / "README.md").unlink(missing_ok=True)
        config = folder / "adapter_config.json"  # peft writes the targets in the arbitrary order of a set
        write_json(read_json(config) | {"target_modules": self._paths, "target_parameters": None}, config)
        if self.head is not None:
            save_head(self.head, folder)
