"""An annotator's candidates as lines of a submission: ids and answers, without sound, transcript or prompt."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import file_sha256
from scaling_ambiguity.testtime.pool import KINDS

DEAF = "deaf"  # the control of a verifier that is given no sound
_DECIMALS = 9  # of a probability or score
# what of an annotator's entry says how its answers were decoded
_DECODING = ("mode", "design", "votes", "temperatures", "modality", "prompts", "reasoning", "class_order", "context")


def one_revision(pools: Mapping[str, pd.DataFrame], alm: str) -> str:
    """Return the revision of the model that gave all answers.

    Args:
        pools: Kind -> rows of ``tables.candidates``.
        alm: Name of the model, for messages.

    Raises:
        UserError: No answer has one, or they are of several.
    """
    # a server's answers are filed under its revision and the sampling parameters, as JSON
    by_kind = {
        kind: sorted({name.partition(" {")[0] for name in rows["revision"].dropna()} - {""})
        for kind, rows in pools.items()
    }
    revisions = sorted({revision for of_kind in by_kind.values() for revision in of_kind})
    if len(revisions) != 1:
        given = "; ".join(f"{kind}: {', '.join(of_kind) or 'none'}" for kind, of_kind in by_kind.items())
        raise UserError(
            f"submission of {alm}: all answers have to be of one revision of the model; found {given}. Ask again "
            "what is of another one: remove the annotators' votes.parquet and shards in results/proxies, and run again."
        )
    return revisions[0]


def pool_entry(annotator: Mapping[str, Any], prompts: str | Path) -> dict[str, Any]:
    """Return what a manifest says of one pool.

    Args:
        annotator: The annotator's entry in the configuration.
        prompts: File of its prompts.
    """
    decoding = {name: annotator[name] for name in _DECODING if name in annotator}
    shared = annotator.get("design") == "beam"
    return {
        "prompt_sha256": file_sha256(prompts),
        "decoding": decoding,
        "prefill": "shared" if shared else "separate",
        "answers": annotator.get("stated", "shares"),
    }


def submission_lines(
    pools: Mapping[str, pd.DataFrame], utterances: Sequence[str], classes: list[str]
) -> Iterator[dict[str, Any]]:
    """Yield the lines of all pools about ``utterances``, those that have a human vote."""
    for kind, rows in pools.items():
        yield from candidate_lines(rows[rows["utterance"].isin(utterances)], kind, classes)


def candidate_lines(candidates: pd.DataFrame, pool: str, classes: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the lines of one pool, by utterance and candidate.

    An answer goes out as the model wrote it, also where it states no distribution; what was read out of the model goes
    out as numbers.

    Args:
        candidates: Rows of ``tables.candidates``.
        pool: Kind of pool that they are.
        classes: The class set, in order.

    Raises:
        UserError: An unknown kind of pool.
    """
    if pool not in KINDS:
        raise UserError(f"pool {pool!r} is unknown; there are {', '.join(KINDS)}.")
    rows = candidates.sort_values(["utterance", "draw"], kind="stable")
    for row in rows.to_dict("records"):
        line = {"corpus": row["corpus"], "utterance": row["utterance"], "pool": pool, "candidate": int(row["draw"])}
        for name, column in (("logprob_sum", "logprob"), ("n_tokens", "tokens"), ("seconds", "seconds")):
            line[name] = None if pd.isna(row[column]) else float(row[column])
        if not pd.isna(row.get("logprob_answer", np.nan)):
            line["logprob_answer"] = float(row["logprob_answer"])
        if line["n_tokens"] is not None:
            line["decode_tokens"] = line["n_tokens"]
        status = row["status"]
        if status == "ok" and (pool == "readout" or not row["response"]):
            line["p"] = {label: float(np.round(row[f"p_{label}"], _DECIMALS)) for label in classes}
        elif status in ("ok", "invalid"):
            line["response"], status = row["response"], "ok" if row["response"] else "failed"
        if status not in ("ok", "cut", "refused"):
            status = "failed"
        if status != "ok":
            line["response"], line["reason"] = row["response"], row["reason"]
        yield line | {"status": status}


def judgement_lines(
    judgements: pd.DataFrame, annotators: Mapping[str, str], utterances: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Yield the lines of ``scores.jsonl.gz`` about ``utterances``, those that have a human vote.

    Args:
        judgements: Rows of ``tables.judgements``.
        annotators: Kind of pool -> annotator whose candidates it holds.
        utterances: Their names.
    """
    kind_of = {annotator: kind for kind, annotator in annotators.items()}
    rows = judgements[judgements["utterance"].isin(utterances)]
    order = ["annotator", "utterance", "verifier", "order", "place"]
    for row in rows.sort_values(order, kind="stable").to_dict("records"):
        line = {name: row[name] for name in ("corpus", "utterance", "verifier")} | {"pool": kind_of[row["annotator"]]}
        line |= {"candidate": int(row["draw"]), "order": int(row["order"]), "place": int(row["place"])}
        line["score"] = None if pd.isna(row["score"]) else float(np.round(row["score"], _DECIMALS))
        line["picked"] = None if pd.isna(row["picked"]) else bool(row["picked"])
        line["requests"] = float(row["requests"])
        line["encoder_rows"] = 0.0 if row["verifier"] == DEAF else line["requests"]
        for name, column in (("decode_tokens", "tokens"), ("seconds", "seconds")):
            line[name] = None if pd.isna(row[column]) else float(row[column])
        yield line | ({} if pd.isna(row["reason"]) else {"reason": row["reason"]})
