"""Estimate how many human votes the synthetic votes are worth, and check it on proxies of known worth."""

import argparse

import numpy as np
import pandas as pd

from scaling_ambiguity import cli
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.inference.arrangement import arrange
from scaling_ambiguity.inference.draws import draw_table, subsets
from scaling_ambiguity.inference.exchange_losses import CALIBRATED_HUMAN, HUMAN, WHOLE, ExchangeLosses
from scaling_ambiguity.inference.exchange_predictors import add_known, add_read_out, add_synthetic
from scaling_ambiguity.inference.exchange_rows import (
    NO_READ_OUT,
    stratum_rows,
    typical_row,
    unavailable_read_out,
    used_row,
    weight_rows,
)
from scaling_ambiguity.inference.ppi import choose_labelled, class_shares, share_rows
from scaling_ambiguity.inference.recovered import calibrated_refused
from scaling_ambiguity.inference.validity import across_raters, refuse
from scaling_ambiguity.labels.counting import DealtVotes, deal_votes, frequencies, human_counts, synthetic_counts
from scaling_ambiguity.labels.dirichlet import expected_nll, fit_dirichlet_multinomial
from scaling_ambiguity.labels.others import speaker_blocks
from scaling_ambiguity.tables.base import class_columns
from scaling_ambiguity.tables.labels import LABELS
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.statistics import STATISTICS, THESE, statistics_frame
from scaling_ambiguity.tables.truth import TRUTH
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES


def main(arguments: argparse.Namespace) -> None:
    """Compare the loss of k human votes with that of m synthetic ones on one fixed set of utterances."""
    options, classes, votes = arguments.options, arguments.classes, VOTES.read(arguments.votes)
    table = UTTERANCES.read(arguments.utterances)
    names, speakers = table["utterance"].tolist(), table["speaker"].to_numpy(str)
    counts, blocks = human_counts(votes, names, classes), speaker_blocks(speakers, arguments.utterances)
    dealt = deal_votes(ROLES.read(arguments.roles), votes, names, classes, str(arguments.roles))
    refuse(arguments.validity, THESE, options["interval"], len(set(speakers)), dealt.raters)
    largest = min(options["exchange"]["largest_k"], int(dealt.voters().max()) - 1)
    if largest < 1:
        raise UserError(f"{arguments.votes}: no utterance has two votes; an exchange rate cannot be estimated.")
    level, floor = options["level"], options["smoothing"]
    world, fixed = arrange(dealt, counts, blocks, speakers, start=0, largest=largest, floor=floor, level=level)
    kept = [name for name, use in zip(names, fixed, strict=True) if use]
    print(f"{len(kept)} of {len(names)} utterances have more than {largest} human votes")
    proxies = PROXIES.read(arguments.proxies)
    draws = draw_table(proxies, names, classes, str(arguments.proxies))[fixed]
    sizes = sorted(m for m in options["exchange"]["votes"] if m <= draws.shape[1])

    def pools(m: int) -> np.ndarray:
        deals = world.dealt.shape[0]
        return subsets(draws, kept, [m], deals, len(classes), arguments.seed, "exchange subsets")[0]

    losses = ExchangeLosses(
        world, {WHOLE: None}, across=across_raters(arguments.validity, len(set(speakers)), dealt.raters)
    )
    weights = add_synthetic(losses, pools, sizes)
    if arguments.read_out:
        p = distributions(arguments.read_out, kept, classes)
        print(f"{int((p.sum(axis=1) > 0).sum())} of {len(kept)} utterances have a distribution of the annotator's own")
        weights |= add_read_out(losses, p)
    known_keys = set()
    if arguments.truth:
        truth = TRUTH.read(arguments.truth).set_index("utterance").reindex(kept)
        v, p = (truth[class_columns(classes, prefix)].to_numpy(float) for prefix in ("v_", "p_"))
        last = pools(sizes[-1]) if sizes else None
        known_keys = add_known(losses, kept, v, p, last, sizes[-1] if sizes else 0, arguments.seed)
    settings = {"resamples": options["resamples"], "seed": arguments.seed, "level": level}
    settings["method"] = options["interval"]
    refused = ("calibrated",) if calibrated_refused(arguments.recovery, len(set(world.speakers))) else ()
    rows = stratum_rows(losses, WHOLE, settings, known_keys, refused)
    rows += weight_rows(weights, len(kept), len(set(world.speakers)))
    rows += [typical_row(dealt.voters(), largest, len(kept)), used_row(len(kept), len(names))]
    if not arguments.read_out:
        rows.append(unavailable_read_out(arguments.no_read_out) | {"n": len(kept)})
    everyone = fit_dirichlet_multinomial(counts)
    for k in range(largest + 1):
        fitted = {"labels": "human", "metric": "nll_fitted", "stratum": WHOLE, "votes": k, "reference": "human"}
        fitted |= {"estimate": expected_nll(everyone, k), "method": "dirichlet_multinomial", "population": THESE}
        rows.append(fitted | {"n": len(kept), "n_clusters": len(set(world.speakers))})
    rows += class_share_rows(
        dealt, names, speakers, synthetic_counts(proxies, names, classes), counts, classes, settings
    )
    for row in rows:
        model = "none" if row["labels"] in (HUMAN, CALIBRATED_HUMAN) else arguments.annotator
        row |= {"corpus": arguments.corpus, "model": model}
    STATISTICS.write(statistics_frame(rows), arguments.output)


def distributions(paths: list[str], names: list[str], classes: list[str]) -> np.ndarray:
    """Return the annotator's distribution of each utterance, (U, C); all 0 where it was not queried.

    Raises:
        UserError: an utterance in two of the tables.
    """
    table = pd.concat([LABELS.read(path) for path in paths]).set_index("utterance")
    twice = table.index[table.index.duplicated()]
    if len(twice):
        raise UserError(f"{', '.join(paths)}: {twice[0]} has two distributions. Read the annotator out again.")
    return table.reindex(names)[class_columns(classes)].fillna(0.0).to_numpy(float)


def class_share_rows(
    dealt: DealtVotes,
    names: list[str],
    speakers: np.ndarray,
    synthetic: np.ndarray,
    counts: np.ndarray,
    classes: list[str],
    settings: dict,
) -> list[dict]:
    """Return rows of the corpus' class shares: one human vote on a fifth of the utterances, synthetic votes on all."""
    has_votes = counts.sum(axis=1) > 0
    use = has_votes & (synthetic.sum(axis=1) > 0)
    one = dealt.count(dealt.position[0] == 0)
    labelled = choose_labelled([name for name, used in zip(names, use, strict=True) if used], settings["seed"])
    if labelled.all():
        return []
    shares = class_shares(one[use], synthetic[use], labelled, speakers[use], settings)
    common = {"population": THESE, "reference": "human", "method": settings["method"]}
    common |= {"n": int(use.sum()), "n_clusters": len(set(speakers[use]))}
    return share_rows(shares, classes, frequencies(counts[use]).mean(axis=0), common)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="estimate_exchange_rate.py", description=__doc__)
    for name in ("corpus", "annotator", "votes", "proxies", "roles", "utterances"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--truth", help="of a simulated corpus: adds proxies of known worth")
    read_out = parser.add_mutually_exclusive_group(required=True)
    read_out.add_argument("--read-out", nargs="+", help="the annotator's distributions, label tables: m -> infinity")
    read_out.add_argument("--no-read-out", choices=NO_READ_OUT, help="why there is no such distribution")
    parser.add_argument("--validity", required=True, help="coverage study, CSV: which interval holds in which design")
    parser.add_argument("--recovery", required=True, help="recovery study, CSV: whether calibrated intervals cover")
    parser.add_argument("--classes", type=cli.name_list, required=True)
    parser.add_argument("--options", type=cli.json_value, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True)
    cli.run(main, parser)
