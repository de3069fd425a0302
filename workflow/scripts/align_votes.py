"""Score synthetic votes against held-out human votes, beside floors and ceilings, overall and by level."""

import argparse

import numpy as np
import pandas as pd

from scaling_ambiguity import cli
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.inference import alignment, crossed
from scaling_ambiguity.inference.adjust import adjust
from scaling_ambiguity.inference.bootstrap import Intervals, mean_interval, moment_interval
from scaling_ambiguity.inference.correlation import pearson
from scaling_ambiguity.inference.draws import draw_table, uniforms
from scaling_ambiguity.inference.pairs import DIFFERENCES, VotePredictions
from scaling_ambiguity.inference.validity import across_raters, refuse
from scaling_ambiguity.labels.counting import deal_votes, frequencies, human_counts, synthetic_counts
from scaling_ambiguity.labels.dirichlet import fit_dirichlet_multinomial
from scaling_ambiguity.labels.levels import LEVELS as LEVEL_NAMES
from scaling_ambiguity.labels.levels import level_places
from scaling_ambiguity.labels.others import LEFT_OUT, class_prior, from_others, test_parts
from scaling_ambiguity.tables.levels import LEVELS
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.statistics import STATISTICS, statistics_frame
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES


def main(arguments: argparse.Namespace) -> None:
    """Score every predictor in every deal, average over deals, and put speaker-clustered intervals around."""
    options, classes, votes = arguments.options, arguments.classes, VOTES.read(arguments.votes)
    table = UTTERANCES.read(arguments.utterances)
    names, speakers = table["utterance"].tolist(), table["speaker"].to_numpy(str)
    dealt = deal_votes(ROLES.read(arguments.roles), votes, names, classes, str(arguments.roles))
    refuse(arguments.validity, "these raters", options["interval"], len(set(speakers)), dealt.raters)
    reference, conditioning = dealt.in_role("reference"), dealt.in_role("conditioning")
    part = test_parts(SPLITS.read(arguments.splits), names, str(arguments.splits))
    inside = part != LEFT_OUT
    keep = inside & ((reference.sum(-1) > 0) & (conditioning.sum(-1) > 0)).all(axis=0)
    if not keep.any():
        raise UserError(f"{arguments.votes}: no utterance has two votes or more; nothing can be held out.")
    print(f"{keep.sum()} of {len(names)} utterances have both conditioning and reference votes")
    reference, conditioning = reference[:, keep], conditioning[:, keep]
    # fitted on the speakers of the other test parts: what the models of that fold may read, too
    _, part = np.unique(part[inside], return_inverse=True)
    human = human_counts(votes, names, classes, str(arguments.votes))[inside]
    prior = from_others(human, part, class_prior)[keep[inside]]
    a = from_others(human, part, fit_dirichlet_multinomial)[keep[inside]]
    proxies = PROXIES.read(arguments.proxies)
    synthetic = synthetic_counts(proxies, names, classes, str(arguments.proxies))[keep]
    draws = draw_table(proxies, names, classes, str(arguments.proxies))[keep]
    silent = int((synthetic.sum(axis=1) == 0).sum())
    if silent:
        print(f"{silent} utterances have no valid synthetic vote; they are predicted uniform")
    kept_names = [name for name, kept in zip(names, keep, strict=True) if kept]
    keys = uniforms(arguments.seed, "matched draws", kept_names, len(reference) * draws.shape[1])
    keys = keys.reshape(len(kept_names), len(reference), -1)
    own = f"synthetic-{arguments.annotator}"
    predictions = {
        own: frequencies(synthetic)[None],
        f"{own}-matched": frequencies(alignment.matched_draws(draws, keys, conditioning)),
    } | alignment.floors_and_ceilings(conditioning, prior, a)
    values = alignment.score(predictions, reference, alignment.vote_metrics(options["smoothing"]))
    of_level = level_places(LEVELS.read(arguments.levels), names, str(arguments.levels))[:, keep]
    settings = {"resamples": options["resamples"], "seed": arguments.seed}
    settings |= {"level": options["level"], "method": options["interval"]}
    clusters = speakers[keep]
    correlated = {labels: predictions[labels] for labels in (own, f"{own}-matched", "human")}
    rows: list[dict] = []
    # paired differences; the tests of their family {corpus, protocol} are adjusted together
    for other in (other for other in DIFFERENCES if (other, "nll") in values):
        values[own, f"nll_minus_{other}"] = values[own, "nll"] - values[other, "nll"]
    votes_of = VotePredictions(dealt.of(keep), predictions, own, speakers[keep], options["smoothing"])

    def add(
        stratum: str, keys: list[tuple[str, str]], found: Intervals, with_p: bool, population: str = "these raters"
    ) -> None:
        for i, (labels, metric) in enumerate(keys):
            rows.append({
                "corpus": arguments.corpus, "protocol": arguments.protocol, "labels": labels, "stratum": stratum,
                "metric": metric, "reference": "human", "population": population,
                "votes": float(draws.shape[1]) if labels == own else np.nan,
                "estimate": found.estimate[i], "low": found.low[i], "high": found.high[i],
                "n": found.n, "n_clusters": found.n_clusters, "method": options["interval"],
                "p": found.p[i] if with_p or "_minus_" in metric else np.nan,
            })  # fmt: skip

    for stratum in ("all", *LEVEL_NAMES):
        mask = None if stratum == "all" else of_level == LEVEL_NAMES.index(stratum)
        if mask is not None and not mask.any():
            continue
        averaged = [alignment.over_deals(value, mask) for value in values.values()]
        weights = averaged[0][1]
        found = mean_interval(np.stack([v for v, _ in averaged], axis=1), clusters, weights=weights, **settings)
        add(stratum, list(values), found, with_p=False)
        moments = alignment.correlation_moments(correlated, reference, classes, mask)
        used = weights > 0
        stacked = np.stack(list(moments.values()), axis=1)[used]
        add(stratum, list(moments), moment_interval(stacked, clusters[used], pearson, **settings), with_p=True)
        if across_raters(arguments.validity, len(set(speakers)), dealt.raters):
            keys, across = votes_of.intervals(mask, settings)
            add(stratum, keys, across, with_p=False, population=crossed.POPULATION)
    STATISTICS.write(adjusted(statistics_frame(rows), options["adjust"]), arguments.output)


def adjusted(frame: pd.DataFrame, method: str) -> pd.DataFrame:
    """Fill in p_adjusted of the paired differences: one family a population, over strata and comparisons."""
    for population in frame["population"].unique():
        family = frame["metric"].str.contains("_minus_") & (frame["population"] == population)
        frame.loc[family, "p_adjusted"] = adjust(frame.loc[family, "p"].to_numpy(float), method)
    return frame


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="align_votes.py", description=__doc__)
    for name in ("corpus", "annotator", "protocol", "votes", "proxies", "roles", "levels", "utterances", "splits"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--validity", required=True, help="coverage study, CSV: which interval holds in which design")
    parser.add_argument("--classes", type=cli.name_list, required=True)
    parser.add_argument("--options", type=cli.json_value, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True)
    cli.run(main, parser)
