"""The kinds of models that one job can train: audio-language models with LoRA, and small peers."""

from pathlib import Path

from scaling_ambiguity.alms.loading import LoadedALM, load_alm
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.finetuning.adapter import Adapter
from scaling_ambiguity.finetuning.examples import Examples
from scaling_ambiguity.finetuning.execution import Execution
from scaling_ambiguity.finetuning.inputs import FrozenInputs
from scaling_ambiguity.finetuning.parallel import ALONE, Team
from scaling_ambiguity.finetuning.peer_inputs import PeerInputs
from scaling_ambiguity.finetuning.peers import LoadedPeer, Peer, open_peer
from scaling_ambiguity.finetuning.quantised import quantisation
from scaling_ambiguity.finetuning.sharding import shard
from scaling_ambiguity.finetuning.speech_encoder import LOADING
from scaling_ambiguity.proxies.prompts import PromptSet

Opened = LoadedALM | LoadedPeer
Inputs = FrozenInputs | PeerInputs
Trainee = Adapter | Peer


def open_model(entry: dict, options: dict, encoded: Path | None = None, team: Team = ALONE) -> Opened:
    """Open the model of an entry of ``alms``, or of ``peers`` joined with the entry of its encoder.

    Args:
        entry: ``checkpoint``, and ``peer`` for a small peer.
        options: The ``finetuning`` part of the configuration; ``quantised`` and ``execution`` are heeded.
        encoded: Folder of kept encoder outputs of peers.
        team: The processes a model is cut among, where it is; a small peer never is.

    Raises:
        UserError: The checkpoint cannot be opened, or not as asked.
    """
    if "peer" in entry:
        return open_peer(entry, encoded)
    loading = {key: entry[key] for key in LOADING if key in entry}
    sharded = Execution.of(options).strategy == "fsdp"
    if options.get("quantised"):
        if sharded:
            raise UserError(
                "finetuning: `quantised` and `execution.strategy: fsdp` do not go together: quantised weights cannot "
                "be cut. Remove one of the two; a quantised model fits on one GPU mostly."
            )
        loading["quantisation"] = quantisation(options["quantised"])
    alm = load_alm(entry["checkpoint"], placed=not sharded, **loading)
    return shard(alm, team) if sharded else alm


def checkpoint_of(alm: Opened) -> str:
    """Return the name or folder of the checkpoint that is adapted, or whose encoder a small peer listens with."""
    return alm.encoder.checkpoint if isinstance(alm, LoadedPeer) else str(alm.model.config.name_or_path)


def freeze(alm: Opened, prompts: PromptSet, examples: Examples, classes: list[str], what: str) -> Inputs:
    """Return the model inputs of ``examples``; what is frozen is computed once."""
    if isinstance(alm, LoadedPeer):
        return PeerInputs(alm, examples, what)
    return FrozenInputs(alm, prompts, examples, classes, what)


def trainee(alm: Opened, options: dict, train: Inputs, classes: list[str]) -> Trainee:
    """Return what is trained: the adapter (and head) of an ALM, or the whole of a small peer."""
    if isinstance(alm, LoadedPeer):
        assert isinstance(train, PeerInputs)
        return Peer(alm, train.statistics(), len(classes))
    return Adapter(alm, options["lora"])
