"""Estimate how many human votes the synthetic votes are worth, and check it on proxies of known worth."""

import argparse

import numpy as np

from scaling_ambiguity import cli
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.inference.arrangement import arrange
from scaling_ambiguity.inference.draws import draw_table, subsets
from scaling_ambiguity.inference.exchange_losses import WHOLE, ExchangeLosses
from scaling_ambiguity.inference.exchange_predictors import add_known, add_read_out, add_synthetic
from scaling_ambiguity.inference.exchange_rows import THESE, stratum_rows, unavailable_read_out, worth_rows
from scaling_ambiguity.inference.ppi import choose_labelled, class_shares, share_rows
from scaling_ambiguity.inference.validity import across_raters, refuse
from scaling_ambiguity.labels.counting import DealtVotes, deal_votes, frequencies, human_counts, synthetic_counts
from scaling_ambiguity.labels.dirichlet import expected_nll, fit_dirichlet_multinomial
from scaling_ambiguity.labels.others import speaker_blocks
from scaling_ambiguity.tables.base import class_columns
from scaling_ambiguity.tables.labels import LABELS
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.statistics import STATISTICS, statistics_frame
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
    worths = add_synthetic(losses, pools, sizes)
    if arguments.read_out:
        p = LABELS.read(arguments.read_out).set_index("utterance").reindex(kept)[class_columns(classes)]
        if p.isna().any(axis=None):
            raise UserError(f"{arguments.read_out}: no distribution for {p.index[p.isna().any(axis=1)][0]}.")
        worths |= add_read_out(losses, p.to_numpy(float))
    known = set()
    if arguments.truth:
        truth = TRUTH.read(arguments.truth).set_index("utterance").reindex(kept)
        v, p = (truth[class_columns(classes, prefix)].to_numpy(float) for prefix in ("v_", "p_"))
        last = pools(sizes[-1]) if sizes else None
        known = add_known(losses, kept, v, p, last, sizes[-1] if sizes else 0, arguments.seed)
    settings = {"resamples": options["resamples"], "seed": arguments.seed, "level": level}
    settings["method"] = options["interval"]
    rows = stratum_rows(losses, WHOLE, settings, known)
    rows += worth_rows(worths, len(kept), len(set(world.speakers)))
    if not arguments.read_out:
        rows.append(unavailable_read_out() | {"n": len(kept)})
    everyone = fit_dirichlet_multinomial(counts)
    for k in range(largest + 1):
        fitted = {"labels": "human", "metric": "nll_fitted", "stratum": WHOLE, "votes": k, "reference": "human"}
        fitted |= {"estimate": expected_nll(everyone, k), "method": "dirichlet_multinomial", "population": THESE}
        rows.append(fitted | {"n": len(kept), "n_clusters": len(set(world.speakers))})
    rows += class_share_rows(
        dealt, names, speakers, synthetic_counts(proxies, names, classes), counts, classes, settings
    )
    for row in rows:
        row |= {"corpus": arguments.corpus, "model": "none" if row["labels"] == "human" else arguments.annotator}
    STATISTICS.write(statistics_frame(rows), arguments.output)


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
    heard = counts.sum(axis=1) > 0
    use = heard & (synthetic.sum(axis=1) > 0)
    one = dealt.count(dealt.position[0] == 0)
    labelled = choose_labelled([name for name, used in zip(names, use, strict=True) if used], settings["seed"])
    if labelled.all():
        return []
    found = class_shares(one[use], synthetic[use], labelled, speakers[use], settings)
    about = {"population": THESE, "reference": "human", "method": settings["method"]}
    about |= {"n": int(use.sum()), "n_clusters": len(set(speakers[use]))}
    return share_rows(found, classes, frequencies(counts[use]).mean(axis=0), about)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="estimate_exchange_rate.py", description=__doc__)
    for name in ("corpus", "annotator", "votes", "proxies", "roles", "utterances"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--truth", help="of a simulated corpus: adds proxies of known worth")
    parser.add_argument("--read-out", help="the annotator's distributions as a label table: adds m -> infinity")
    parser.add_argument("--validity", required=True, help="coverage study, CSV: which interval holds in which design")
    parser.add_argument("--classes", type=cli.name_list, required=True)
    parser.add_argument("--options", type=cli.json_value, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True)
    cli.run(main, parser)
