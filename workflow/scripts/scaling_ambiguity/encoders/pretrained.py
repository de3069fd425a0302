"""Opening of encoders that transformers knows, and choosing among the states of their layers."""

from typing import Any

import torch
import transformers

from scaling_ambiguity.alms.loading import default_device, explained, folder_revision, located, refuse_incomplete

# Tensors that no state of a layer depends on: heads for pre-training, and the mask that only training draws.
UNUSED = ("pooler.", "masked_spec_embed", "decoder.", "lm_head.", "cls.")


class Pretrained:
    """An encoder of transformers, in float32 and evaluation mode.

    Attributes:
        place: Folder or hub name that its files are opened from.
        options: ``revision`` and ``trust_remote_code`` as ``from_pretrained`` takes them.
        config: Its configuration.
        model: The encoder; of an encoder-decoder model its first half.
        device: Where its weights are.
        layers: ``mean``, ``last``, ``all``, or the number of a state; 0 is the input of the first layer.
        identity: As of :class:`~.kinds.Encoder`.
        width: Numbers of a vector.
    """

    def __init__(self, entry: dict[str, Any]):
        """Open what ``entry`` names.

        Raises:
            UserError: There is no such checkpoint, it has no safetensors, or a tensor of its encoder is missing.
        """
        checkpoint = str(entry["checkpoint"])
        self.place = located(checkpoint)
        local = self.place.is_dir()
        keys = ("trust_remote_code",) if local else ("trust_remote_code", "revision")
        self.options = {key: entry[key] for key in keys if key in entry}
        self.device = torch.device(entry["device"]) if "device" in entry else default_device()
        with explained(checkpoint, "an encoder"):
            self.config = transformers.AutoConfig.from_pretrained(self.place, **self.options)
            model, report = transformers.AutoModel.from_pretrained(
                self.place,
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # refused below, by name
                **self.options,
            )
        report["missing_keys"] = [name for name in report["missing_keys"] if not _unused(name)]
        refuse_incomplete(checkpoint, report)
        self.model = (model.get_encoder() if self.config.is_encoder_decoder else model).eval().to(self.device)
        commit = getattr(self.config, "_commit_hash", None) or entry.get("revision") or "unknown"
        self.layers = entry.get("layers", "mean")
        revision = folder_revision(self.place) if local else commit
        self.identity = {"kind": entry["kind"], "checkpoint": checkpoint, "revision": revision, "layers": self.layers}
        states = self.model.config.num_hidden_layers + 1
        self.width = self.model.config.hidden_size * (states if self.layers == "all" else 1)

    def choose(self, states: torch.Tensor) -> torch.Tensor:
        """Return the vector of the states of all layers, averaged over time, (layers + 1, D) -> (width,)."""
        if self.layers == "all":
            return states.flatten()
        if self.layers == "mean":
            return states.mean(0)
        return states[-1 if self.layers == "last" else int(self.layers)]


def _unused(tensor: str) -> bool:
    return any(f".{part}" in f".{tensor}" for part in UNUSED)
