"""Main memory to request for a job that opens a model, estimated in advance; imports no heavy library."""

import math
from typing import Any

from scaling_ambiguity.alms.availability import CPU_BYTES, GPU_BYTES, MARGIN, located
from scaling_ambiguity.alms.before_work import parameters, working_gb
from scaling_ambiguity.alms.hub import is_on_hub, whole_snapshot
from scaling_ambiguity.alms.registry import Entry
from scaling_ambiguity.errors import UserError

ASSUMED = 9e9  # assumed parameters of a model with neither registry entry nor files present: the usual size of open
# models


def main_memory_mb(alm: dict[str, Any], facts: Entry | None, copies: int = 1, beside: int = 4000) -> int:
    """Return the MB (10^6 bytes) of main memory for ``copies`` of a model and everything else (``beside``) in a job.

    m = beside + ceil(1.2 x copies x parameters x bytes / 10^6), 4 bytes per parameter in float32 on the CPU, 2 in
    bfloat16 where there are GPUs: weights pass through main memory on their way. The number of parameters is that
    of the files, where they are on this machine, else of the registry, else nine billion. Where the CPU computes and
    the files are a folder's, keys, values and temporary states of one prompt are added. A model behind an external
    server, or one whose answers are already stored, needs none.

    Args:
        alm: The ``alms`` entry of the configuration.
        facts: What the registry says about it, if the entry names one of its models.
        copies: Processes of the job that open it.
        beside: MB of python, libraries, sound and tables.
    """
    opened = alm["engine"] == "transformers" or "serve" in alm
    if not opened:
        return beside
    size = GPU_BYTES if alm["gpus"] else CPU_BYTES
    weights = MARGIN * size * _parameters(alm, facts) / 1e6
    if "trained_on" not in alm and "serve" not in alm and not alm["gpus"] and "checkpoint" in alm:
        weights += 1e3 * working_gb(located(alm["checkpoint"]), size)
    return beside + math.ceil(copies * weights)


def _parameters(alm: dict[str, Any], facts: Entry | None) -> float:
    if "trained_on" in alm:  # made by this workflow, and small
        return 0
    count = parameters(located(alm["checkpoint"])) if "checkpoint" in alm else 0
    if not count and facts is not None and isinstance(facts.parameters, int | float):
        return facts.parameters * 1e9
    if not count and is_on_hub(alm):
        try:
            count = parameters(whole_snapshot(alm["checkpoint"], alm.get("revision")))
        except UserError:
            count = 0
    return count or ASSUMED
