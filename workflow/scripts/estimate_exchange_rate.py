"""Estimate how many human votes the synthetic votes are worth, and check it on proxies of known worth."""

import argparse

import numpy as np
import pandas as pd

from scaling_ambiguity import cli
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.inference.arranged_study import ArrangedStudy
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
from scaling_ambiguity.inference.study import study_parser
from scaling_ambiguity.labels.counting import frequencies
from scaling_ambiguity.labels.dirichlet import expected_nll, fit_dirichlet_multinomial
from scaling_ambiguity.tables.base import class_columns
from scaling_ambiguity.tables.labels import LABELS
from scaling_ambiguity.tables.statistics import THESE


def main(arguments: argparse.Namespace) -> None:
    """Compare the loss of k human votes with that of m synthetic ones on one fixed set of utterances."""
    study = ArrangedStudy(arguments)
    raters, voters = study.dealt.raters, study.dealt.voters()
    study.refuse_uncovered(raters)
    largest = study.largest_k()
    world, fixed = study.arrange(0, largest)
    n, n_clusters = len(world.names), len(set(world.speakers))
    print(f"{n} of {len(study.names)} utterances have more than {largest} human votes")
    draws = study.draws[fixed]
    sizes = sorted(m for m in study.options["exchange"]["votes"] if m <= draws.shape[1])
    losses = ExchangeLosses(world, {WHOLE: None}, across=study.across_raters(raters))
    weights = add_synthetic(losses, lambda m: study.pool(world, draws, m), sizes)
    if arguments.read_out:
        p = distributions(arguments.read_out, world.names, study.classes)
        print(f"{int((p.sum(axis=1) > 0).sum())} of {n} utterances have a distribution of the annotator's own")
        weights |= add_read_out(losses, p)
    known_keys = set()
    if arguments.truth:
        last = study.pool(world, draws, sizes[-1]) if sizes else None
        known_keys = add_known(losses, *study.truth(world), last, sizes[-1] if sizes else 0, study.seed)
    refused = ("calibrated",) if calibrated_refused(arguments.recovery, n_clusters) else ()
    rows = stratum_rows(losses, WHOLE, study.settings, known_keys, refused)
    rows += weight_rows(weights, n, n_clusters)
    rows += [typical_row(voters, largest, n), used_row(n, len(study.names))]
    if not arguments.read_out:
        rows.append(unavailable_read_out(arguments.no_read_out) | {"n": n})
    everyone = fit_dirichlet_multinomial(study.counts)
    size = {"n": n, "n_clusters": n_clusters}
    fitted = {"labels": "human", "metric": "nll_fitted", "stratum": WHOLE, "reference": "human", "population": THESE}
    for k in range(largest + 1):
        value = {"votes": k, "estimate": expected_nll(everyone, k), "method": "dirichlet_multinomial"}
        rows.append(fitted | size | value)
    rows += class_share_rows(study)
    for row in rows:
        row["model"] = "none" if row["labels"] in (HUMAN, CALIBRATED_HUMAN) else arguments.annotator
    study.write(rows)


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


def class_share_rows(study: ArrangedStudy) -> list[dict]:
    """Return rows of the corpus' class shares: one human vote on a fifth of the utterances, synthetic votes on all."""
    dealt, counts, synthetic = study.dealt, study.counts, study.synthetic
    use = (counts.sum(axis=1) > 0) & (synthetic.sum(axis=1) > 0)
    one = dealt.count(dealt.position[0] == 0)
    labelled = choose_labelled(study.chosen(use), study.seed)
    if labelled.all():
        return []
    speakers = study.speakers[use]
    shares = class_shares(one[use], synthetic[use], labelled, speakers, study.settings)
    common = {"population": THESE, "reference": "human", "method": study.settings["method"]}
    common |= {"n": int(use.sum()), "n_clusters": len(set(speakers))}
    return share_rows(shares, study.classes, frequencies(counts[use]).mean(axis=0), common)


if __name__ == "__main__":
    parser = study_parser(__doc__, "annotator", "proxies", "roles")
    parser.add_argument("--truth", help="of a simulated corpus: adds proxies of known worth")
    read_out = parser.add_mutually_exclusive_group(required=True)
    read_out.add_argument("--read-out", nargs="+", help="the annotator's distributions, label tables: m -> infinity")
    read_out.add_argument("--no-read-out", choices=NO_READ_OUT, help="why there is no such distribution")
    parser.add_argument("--validity", required=True, help="coverage study, CSV: which interval holds in which design")
    parser.add_argument("--recovery", required=True, help="recovery study, CSV: whether calibrated intervals cover")
    cli.run(main, parser)
