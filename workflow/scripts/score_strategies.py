"""Score a submission to the test-time benchmark: every strategy and control on the answers in a folder.

No model is run and no scores are sent: a folder of ids and answers, of this run or of anybody else, is checked line by
line, then all strategies and metrics are computed on it. Settings are fitted on other speakers; intervals are over
speakers.
"""

import argparse
from pathlib import Path

import pandas as pd

from scaling_ambiguity import cli
from scaling_ambiguity.io import write_csv
from scaling_ambiguity.labels.counting import voted_counts
from scaling_ambiguity.proxies.synonyms import load_synonyms, spelled
from scaling_ambiguity.tables.base import class_columns
from scaling_ambiguity.tables.given import GIVEN
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.strategy_scores import STRATEGY_SCORES
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES
from scaling_ambiguity.testtime.accounting import Size
from scaling_ambiguity.testtime.controls import CONTROLS
from scaling_ambiguity.testtime.costs import cost_rows, recorded_usage
from scaling_ambiguity.testtime.crossfit import hold_out
from scaling_ambiguity.testtime.facts import mixture_facts, pool_facts, verifier_facts
from scaling_ambiguity.testtime.manifest import (
    NAME,
    TIERS,
    Manifest,
    benchmark_identity,
    check_manifest,
    read_manifest,
    votes_sha256,
)
from scaling_ambiguity.testtime.pool import Pool, build_pool, rejected
from scaling_ambiguity.testtime.running import Outcome, run_strategies
from scaling_ambiguity.testtime.scoring import score_frame, score_rows, wide
from scaling_ambiguity.testtime.strategies import STRATEGIES
from scaling_ambiguity.testtime.submission import Submission, read_submission


def main(arguments: argparse.Namespace) -> None:
    """Check, combine, score, write."""
    classes, options = arguments.classes, arguments.options
    table = UTTERANCES.read(arguments.utterances)
    used, counts = voted_counts(VOTES.read(arguments.votes), table["utterance"].tolist(), classes, arguments.votes)
    names = table["utterance"][used].tolist()
    manifest = read_manifest(arguments.submission)
    reference = votes_sha256(names, classes, counts)
    check_manifest(manifest, arguments.submission / NAME, arguments.corpus, classes, reference)
    vocabulary = load_synonyms(arguments.synonyms).vocabulary(classes) if arguments.synonyms else spelled(classes)
    submission = read_submission(arguments.submission, manifest, names, vocabulary, keep_going=arguments.keep_going)
    speakers = table["speaker"][used].to_numpy(str)
    held_out = hold_out(counts, speakers, floor=options["smoothing"], seed=arguments.seed)
    pools = _pools(submission, names, classes, arguments.submission)
    outcomes, missing = run_strategies(pools, held_out, seed=arguments.seed)
    if manifest.verifier == manifest.alm:  # the ALM as its own verifier is what alm_v is then
        missing = [one for one in missing if not one.strategy.endswith("-self")]
    settings = {"resamples": options["resamples"], "seed": arguments.seed, "level": options["level"]}
    settings["method"] = options["interval"]
    shared = {kind: entry.prefill == "shared" for kind, entry in manifest.pools.items()}
    parts = recorded_usage(submission.candidates, submission.scores, names, shared)
    rows = score_rows(outcomes, missing, held_out, settings)
    rows += cost_rows(outcomes, parts, _size(manifest), held_out, settings)
    for pool in pools.values():
        rows += pool_facts(pool) + verifier_facts(pool, held_out)
    rows += mixture_facts(outcomes, pools, held_out)
    identity = benchmark_identity(reference, [*STRATEGIES, *CONTROLS])
    tier = "A" if arguments.rerun else submission.tier
    same = {"corpus": arguments.corpus, "alm": manifest.alm, "tier": tier, "benchmark": identity}
    scores = STRATEGY_SCORES.validate(score_frame(rows, same), arguments.output)
    STRATEGY_SCORES.write(scores, arguments.output)
    board = wide(scores)
    write_csv(board, arguments.csv)
    write_csv(rejected(pools.values()), arguments.left_out)
    REJECTS.write(submission.rejects, arguments.rejects)
    if arguments.predictions:
        _write_predictions(outcomes, names, classes, arguments.predictions)
    _report(manifest, tier, identity, board, submission.rejects)


def _pools(submission: Submission, names: list[str], classes: list[str], where: Path) -> dict[str, Pool]:
    """Return the pools of a submission, in the order of its manifest."""
    pools = {}
    for kind in submission.manifest.pools:
        candidates = submission.candidates[submission.candidates["pool"] == kind]
        judgements = submission.scores[submission.scores["pool"] == kind]
        pools[kind] = build_pool(kind, candidates, names, classes, judgements, str(where))
    return pools


def _write_predictions(outcomes: list[Outcome], names: list[str], classes: list[str], folder: Path) -> None:
    """Write the predictions of every strategy as tables that value_predictors values in human votes.

    Oracles are left out: they have seen the votes.
    """
    for outcome in outcomes:
        single = outcome.weights is None and outcome.values is None
        if single and not outcome.strategy.startswith("oracle"):
            frame = pd.DataFrame(outcome.p, columns=class_columns(classes))
            frame.insert(0, "utterance", names)
            GIVEN.write(frame, folder / f"{outcome.strategy}-{outcome.form}.parquet")


def _size(manifest: Manifest) -> Size | None:
    if manifest.parameters is None or manifest.encoder_flop is None:
        return None
    return Size(manifest.parameters, manifest.encoder_flop)


def _report(manifest: Manifest, tier: str, identity: str, board: pd.DataFrame, rejects: pd.DataFrame) -> None:
    seen = {"yes": "has been trained on these votes", "no": "has not seen these votes"}
    note = seen.get(manifest.has_seen_votes, "may have seen these votes")
    print(f"{manifest.alm} ({manifest.revision}), tier {tier}: {TIERS[tier]}; it {note}; benchmark {identity}")
    if manifest.verifier:
        verifier = "itself judged" if manifest.verifier == manifest.alm else f"{manifest.verifier} judged"
        print(f"{verifier} its candidates")
    for pool, row in board[board["strategy"].str.startswith("pool_")].set_index("pool").iterrows():
        print(f"pool {pool}: {row['usable_share']:.1%} of its answers are usable")
        if row.get("has_no_diversity") == 1:
            print(f"pool {pool} has no diversity (JSD of pairs {row['pairwise_jsd_bits']:.3f} bits): no strategy wins")
    columns = ["strategy", "form", "pool", "nll", "nll_low", "nll_high", "nll_minus_mean", "nll_minus_mean_p_adjusted"]
    shown = board.dropna(subset=["nll"])
    print(shown[[name for name in columns if name in shown]].to_string(index=False, float_format="%.4f"))
    for reason in dict.fromkeys(board["reason"].dropna()):
        print(f"not available: {reason}")
    if len(rejects):
        print(f"{len(rejects)} lines were left out")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--submission", required=True, type=Path, help="folder")
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--votes", required=True)
    parser.add_argument("--utterances", required=True)
    parser.add_argument("--classes", type=cli.name_list, required=True)
    parser.add_argument("--synonyms", help="table of synonyms, YAML; without it labels count as they are spelled")
    parser.add_argument("--options", type=cli.json_value, required=True, help="of the statistics, JSON")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument(
        "--keep-going", action="store_true", help="leave bad lines out as rejects, not at the first stop"
    )
    parser.add_argument("--rerun", action="store_true", help="the answers were generated here: tier A")
    parser.add_argument("--output", required=True, help="scores, parquet")
    parser.add_argument("--csv", required=True, help="one row per strategy, the best first")
    parser.add_argument("--left-out", required=True, help="answers without a distribution, by reason, CSV")
    parser.add_argument("--rejects", required=True, help="lines left out, parquet")
    parser.add_argument("--predictions", type=Path, help="folder for the predictions of every strategy")
    cli.run(main, parser)
