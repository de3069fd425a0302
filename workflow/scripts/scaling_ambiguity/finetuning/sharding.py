"""The frozen layers of a language model, each process holding its share of every one (FSDP)."""

from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor

from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.training.team import Team

ALIVE = 2  # layers that are gathered at a time: the one being computed and the one prefetched


def shard(alm: LoadedALM, team: Team) -> LoadedALM:
    """Return ``alm`` with the layers of its language model divided among the processes of ``team``.

    torch's ``fully_shard``: each process keeps 1/n of each weight and gathers a layer while it is computed, forward and
    backward. The layers are nearly all of a large model; audio tower, projector, embeddings and output rows are not
    sharded, since they are called one by one. An adapter that is injected afterwards is not sharded either: its
        gradients are
    summed, saved and resumed as without sharding, and a training differs from one with whole copies
    by rounding only. All processes must compute equally often.

    Args:
        alm: The model; its weights may still be on the CPU, they are moved to ``alm.device``.
        team: The processes, two or more.

    Raises:
        UserError: There is only one process.
    """
    if team.size < 2:
        raise UserError(
            "finetuning.execution.strategy `fsdp` divides the model among processes, and there is only one. "
            "Set `finetuning.execution.processes` to 2 or more, or the strategy to `ddp`."
        )
    model = parts(alm.model).language_model
    layers = list(model.layers)
    inside = {parameter for layer in layers for parameter in layer.parameters()}
    outside = {parameter for parameter in model.parameters() if parameter not in inside}
    mesh = init_device_mesh(alm.device.type, (team.size,))
    alm.model.requires_grad_(False)
    for layer in layers:
        fully_shard(layer, mesh=mesh, reshard_after_forward=True)
    fully_shard(model, mesh=mesh, reshard_after_forward=True, ignored_params=outside)
    if alm.device.type != "cpu":
        _place(alm)
    return alm


def _place(alm: LoadedALM) -> None:
    """Move what is not sharded to the device; sharding has moved the rest."""
    for module in alm.model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None and not isinstance(parameter, DTensor):
                module._parameters[name].data = parameter.data.to(alm.device)
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = buffer.to(alm.device)


def gathered_bytes(alm: LoadedALM) -> int:
    """Return the largest bytes of whole layers a process holds in addition to its share; 0 without :func:`shard`."""
    sizes = (
        sum(one.numel() * one.element_size() for one in layer.parameters() if isinstance(one, DTensor))
        for layer in parts(alm.model).language_model.layers
    )
    return ALIVE * max(sizes, default=0)
