"""The kinds of models that one job can train: audio-language models with LoRA, and small peers."""

from pathlib import Path

from scaling_ambiguity.alms.loading import LoadedALM, load_alm
from scaling_ambiguity.finetuning.adapter import Adapter
from scaling_ambiguity.finetuning.examples import Examples
from scaling_ambiguity.finetuning.inputs import FrozenInputs
from scaling_ambiguity.finetuning.peer_inputs import PeerInputs
from scaling_ambiguity.finetuning.peers import LoadedPeer, Peer, open_peer
from scaling_ambiguity.finetuning.quantised import quantisation
from scaling_ambiguity.finetuning.speech_encoder import LOADING
from scaling_ambiguity.proxies.prompts import PromptSet


def open_model(entry: dict, options: dict, encoded: Path | None = None) -> LoadedALM | LoadedPeer:
    """Open the model of an entry of ``alms``, or of ``peers`` joined with the entry of its encoder.

    Args:
        entry: ``checkpoint``, and ``peer`` for a small peer.
        options: The ``finetuning`` part of the configuration; ``quantised`` is heeded.
        encoded: Folder of kept encoder outputs of peers.

    Raises:
        UserError: The checkpoint cannot be opened, or not as asked.
    """
    if "peer" in entry:
        return open_peer(entry, encoded)
    loading = {key: entry[key] for key in LOADING if key in entry}
    if options.get("quantised"):
        loading["quantisation"] = quantisation(options["quantised"])
    return load_alm(entry["checkpoint"], **loading)


def checkpoint_of(alm: LoadedALM | LoadedPeer) -> str:
    """Return the name or folder of the checkpoint that is adapted, or whose encoder a small peer listens with."""
    return alm.encoder.checkpoint if isinstance(alm, LoadedPeer) else str(alm.model.config.name_or_path)


def freeze(
    alm: LoadedALM | LoadedPeer, prompts: PromptSet, examples: Examples, classes: list[str], what: str
) -> FrozenInputs | PeerInputs:
    """Return the model inputs of ``examples``; what is frozen is computed once."""
    if isinstance(alm, LoadedPeer):
        return PeerInputs(alm, examples, what)
    return FrozenInputs(alm, prompts, examples, classes, what)


def trainee(
    alm: LoadedALM | LoadedPeer, options: dict, train: FrozenInputs | PeerInputs, classes: list[str]
) -> Adapter | Peer:
    """Return what is trained: the adapter (and head) of an ALM, or the whole of a small peer."""
    if isinstance(alm, LoadedPeer):
        return Peer(alm, train.statistics(), len(classes))
    return Adapter(alm, options["lora"])
