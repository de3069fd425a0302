"""A run's folder with tables of the agreed shape and made-up contents, small and complete."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from scaling_ambiguity.code_identity import SCRIPTS
from scaling_ambiguity.reporting.chapters import FIGURES, TABLES
from scaling_ambiguity.run.results import Run

sys.path.insert(0, str(Path(__file__).resolve().parent))  # paper_text
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # paper_pages
REPOSITORY = Path(__file__).resolve().parents[3]
CLASSES = ["neutral", "happy", "sad", "angry"]
CORPUS, ANNOTATOR, PROTOCOL = "demo", "tiny_crossed", "fair"
SYNTHETIC = f"synthetic-{ANNOTATOR}"
ARMS = [
    "human",
    SYNTHETIC,
    f"combined-{ANNOTATOR}-equal",
    f"combined-{ANNOTATOR}-weighted",
    f"control-{ANNOTATOR}-prior",
    f"control-{ANNOTATOR}-echo",
    f"control-{ANNOTATOR}-shuffled",
]
METRICS = {
    "nll": 1.0,
    "brier": 0.55,
    "jsd_bits": 0.21,
    "js_distance": 0.4,
    "bhattacharyya": 0.82,
    "kl_bits": 0.6,
    "total_variation": 0.35,
    "cosine": 0.8,
    "entropy_gap": 0.1,
    "accuracy": 0.6,
    "r2_within": 0.5,
}
SHIFT = {
    SYNTHETIC: 0.05,
    f"{SYNTHETIC}-matched": 0.12,
    f"{SYNTHETIC}-smoothed": 0.04,
    f"{SYNTHETIC}-matched-smoothed": 0.08,
    "uniform": 0.35,
    "prior": 0.2,
    "majority": 0.9,
    "human": 0.6,
    "human-smoothed": 0.0,
}
SIZES = {"all": 480, "low": 171, "medium": 160, "high": 149}
FURTHER = {"balanced": 177, "balanced_subsample": 65, "class=sad": 145, "conflict=1": 128}


def row(estimate: float, half: float = 0.04, **about: object) -> dict:
    """Return one row of a statistics table around ``estimate``."""
    base = {
        "corpus": CORPUS,
        "protocol": "none",
        "model": "none",
        "augmentation": "none",
        "stratum": "all",
        "reference": "human",
        "population": "these raters",
        "method": "bootstrap_t",
        "estimate": estimate,
        "low": estimate - half,
        "high": estimate + 1.2 * half,
        "n": 480,
        "n_clusters": 12,
    }
    return base | about


def alignment_rows() -> list[dict]:
    """Rows as of align_votes."""
    rows = []
    for labels, shift in SHIFT.items():
        for stratum, n in SIZES.items():
            tilt = {"all": 0.0, "low": -0.2, "medium": 0.0, "high": 0.2}[stratum]
            for metric, base in METRICS.items():
                rows.append(
                    row(
                        base + (shift + tilt) * base,
                        labels=labels,
                        stratum=stratum,
                        metric=metric,
                        n=n,
                        protocol=PROTOCOL,
                    )
                )
    for labels in (SYNTHETIC, "human"):
        for i, label in enumerate(CLASSES):
            rows += [
                row(0.5 + 0.08 * i, labels=labels, metric=f"{kind}_{label}", protocol=PROTOCOL)
                for kind in ("pearson", "spearman")
            ]
        rows.append(row(0.33, labels=labels, metric="entropy_pearson", protocol=PROTOCOL))
    tested = {"p": 0.01, "p_adjusted": 0.02, "protocol": PROTOCOL}
    smoothed = f"{SYNTHETIC}-smoothed"
    minus = {"labels": smoothed, "metric": "nll_minus_prior"}
    rows.append(row(-0.1, **minus) | tested)
    rows.append(row(-0.1, **minus) | tested | {"method": "sign_flip", "low": np.nan, "high": np.nan})
    rows.append(row(-0.1, **minus) | tested | {"population": "raters like these"})
    rows.append(row(0.1, labels=smoothed, metric="nll_minus_human-smoothed") | tested)
    rows.append(row(0.1, labels=f"{SYNTHETIC}-matched-smoothed", metric="nll_minus_human-smoothed") | tested)
    rows.append(row(0.4, labels=smoothed, metric="nll_rise", protocol=PROTOCOL))
    about = {"labels": "human", "reference": "none", "method": "point", "protocol": PROTOCOL, "low": None, "high": None}
    rows.append(row(0.21, metric="level_reliability") | about)
    for fold in ("fold=0", "fold=1"):
        for metric, value in (("lower_edge", 1 / 6), ("upper_edge", 2 / 3), ("reliability", 0.21)):
            rows.append(row(value, metric=f"level_{metric}", stratum=fold) | about)
    rows.append(row(0.9, labels="leave-one-out", metric="nll", protocol=PROTOCOL))
    return rows


def agreement_rows() -> list[dict]:
    """Rows as of agree_votes."""
    joined = f"human+{SYNTHETIC}"
    metrics = {"pairwise_agreement": 0.5, "krippendorff_alpha": 0.3, "fleiss_kappa": 0.31}
    rows = [
        row(value + 0.02 * (labels == joined), labels=labels, metric=metric)
        for metric, value in metrics.items()
        for labels in ("human", joined)
    ]
    about = {"method": "alt_test_0.2", "low": np.nan, "high": np.nan}
    for labels, rate in {SYNTHETIC: 0.9, f"{SYNTHETIC}-mode": 1.0, "constant": 0.1, "prior": 0.0}.items():
        rows.append(row(rate, labels=labels, metric="alt_test_winning_rate") | about)
        rows.append(row(0.5 + 0.2 * rate, labels=labels, metric="alt_test_advantage") | about)
    about = {"method": "dawid_skene", "low": np.nan, "high": np.nan, "reference": "none"}
    for labels, own in {"people": 0.8, SYNTHETIC: 0.6, "rater r1": 0.7, "rater r2": 0.9}.items():
        for kind in CLASSES:
            for name in CLASSES:
                value = own if name == kind else (1 - own) / (len(CLASSES) - 1)
                rows.append(row(value, labels=labels, stratum=f"class={kind}", metric=f"called_{name}") | about)
    return rows


def bias_rows() -> list[dict]:
    """Rows as of report_bias."""
    rows = []
    for label in CLASSES:
        rows.append(row(0.25, labels="human", stratum=f"class={label}", metric="share"))
        for metric, value in (("share", 0.27), ("share_gap", 0.02)):
            extra = {"p": 0.03, "p_adjusted": 0.12} if metric == "share_gap" else {}
            rows.append(row(value, labels=SYNTHETIC, stratum=f"class={label}", metric=metric) | extra)
    for stratum in ("all", "low", "medium", "high", "conflict=0", "conflict=1", "group=deep", "group=high"):
        for metric, value in (("match", 0.5), ("match_human", 0.6), ("match_gap", -0.1)):
            rows.append(row(value, labels=SYNTHETIC, stratum=stratum, metric=metric))
        if "=" in stratum:
            extra = {"p": 0.01, "p_adjusted": 0.02}
            rows.append(row(-0.05, labels=SYNTHETIC, stratum=stratum, metric="match_gap_minus_rest") | extra)
        if stratum in ("all", "conflict=0", "conflict=1"):
            for part in ("audio", "text"):
                rows.append(row(0.4, labels=SYNTHETIC, stratum=stratum, metric=f"match_{part}"))
                rows.append(row(0.1, labels=SYNTHETIC, stratum=stratum, metric=f"changed_{part}"))
                extra = {"p": 0.01, "p_adjusted": 0.02}
                rows.append(row(0.1, labels=SYNTHETIC, stratum=stratum, metric=f"match_both_minus_{part}") | extra)
    rows.append(row(-0.1, labels=SYNTHETIC, metric="entropy_gap"))
    parts = ("utterance", "temperature", "focus", "utterance_temperature", "utterance_focus", "temperature_focus")
    rows += [row(0.08, labels=SYNTHETIC, metric=f"variance_{part}") for part in parts]
    return [*rows, row(0.52, labels=SYNTHETIC, metric="variance_rest")]


def shared_rows() -> list[dict]:
    """Rows as of trace_shared_votes."""
    rows = [row(1.3 - 0.2 * k, labels="human", metric="nll", votes=k, method="disjoint") for k in range(4)]
    for method in ("shared-all", "shared-reference", "disjoint"):
        for labels, worth in (("withheld-2", 2.0), ("echo", 2.0), ("shuffled", 0.0)):
            for stratum in ("all", "low", "medium", "high"):
                about = {"labels": labels, "votes": worth, "stratum": stratum, "method": method}
                rows.append(row(worth + 0.3 * (method == "shared-all"), metric="equivalent_votes", **about))
    return rows


def saturation_rows() -> list[dict]:
    """Rows as of trace_saturation."""
    rows = []
    for votes in (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20):
        value = 0.2 + 0.25 * np.exp(-0.4 * votes)
        rows.append(row(value, 0.02, labels=SYNTHETIC, metric="jsd_bits", votes=votes))
        rows.append(row(0.25 * np.exp(-0.4 * votes), 0.02, labels=SYNTHETIC, metric="jsd_bits_excess", votes=votes))
        rows.append(row(value + 0.05, 0.02, labels=f"{SYNTHETIC}-heldout", metric="jsd_bits", votes=votes, n=300))
    rows += [row(0.15 + 0.35 / k, 0.02, labels="human", metric="jsd_bits", votes=k, n=300) for k in (1, 2, 3, 4, 5)]
    for metric, value in (("limit", 0.2), ("corrected", 0.15), ("human_noise", 0.05)):
        rows.append(row(value, 0.02, labels=SYNTHETIC, metric=f"jsd_bits_{metric}", votes=20))
    for metric, value in {"asymptote": 0.2, "amplitude": 0.25, "rate": 0.4, "saturation_votes": 6.0}.items():
        rows.append(row(value, labels=f"{SYNTHETIC}-faithful", metric=metric) | {"low": np.nan, "high": np.nan})
    return rows


def exchange_rows() -> list[dict]:
    """Rows as of estimate_exchange_rate, with the validation rows of a simulated corpus."""
    rows = []
    for k in range(6):
        value = 0.95 + 0.3 / (1 + k)
        rows.append(row(value, 0.03, labels="human", metric="nll", votes=k, n=260))
        rows.append(row(value + 0.005, 0.03, labels="human", metric="nll_fitted", votes=k, n=260))
    for i, m in enumerate((1, 3, 5, 10, 20)):
        for labels, gain in {"as_pooled": 0.2, "weighted": 0.5}.items():
            rows.append(row(1.2 - 0.02 * i - 0.05 * gain, 0.03, labels=labels, metric="nll", votes=m, n=260))
            rows.append(row(0.3 * (i + 1) * gain, 0.2, labels=labels, metric="equivalent_votes", votes=m, n=260))
            rows.append(row(-0.1, 0.03, labels=labels, metric="nll_minus_prior", votes=m, n=260))
        rows.append(row(0.5 / (i + 1), labels="weighted", metric="weight", votes=m, n=260))
    rows.append(row(0.4, 0.3, labels="weighted", metric="gain_k1", votes=20, n=260))
    across = {"labels": "weighted", "metric": "equivalent_votes", "population": "raters like these"}
    rows.append(row(0.75, 0.3, votes=20, n=260, **across))
    for k in (1, 2, 3):
        rows.append(
            row(k + 0.1, 0.5, labels=f"fresh-{k}", metric="equivalent_votes", votes=k, reference="truth", n=260)
        )
    for labels in ("noise", "shuffled"):
        rows.append(
            row(0.0, labels=labels, metric="equivalent_votes", votes=20, reference="truth", n=260)
            | {"low": 0.0, "high": 0.3, "one_sided": "high"}
        )
    return [r | {"model": "none" if r["labels"] == "human" else ANNOTATOR} for r in rows]


def predictors_rows() -> list[dict]:
    """Rows as of value_predictors: an annotator's votes and distribution, two trained arms, votes of known worth."""
    rows = [row(1.2 - 0.04 * k, 0.03, labels="human", metric="nll", votes=k, n=260) for k in range(6)]
    rows.append(row(3, labels="human", metric="typical_votes", n=260) | {"low": np.nan, "high": np.nan})
    rows = [r | {"model": "none"} for r in rows]
    valued = [(ANNOTATOR, "weighted", 20.0), (ANNOTATOR, "as_is", np.inf)]
    valued += [("tiny", labels, np.inf) for labels in ("human", f"combined-{ANNOTATOR}-equal")]
    for i, (model, labels, votes) in enumerate(valued):
        values = {"nll": 1.0 + 0.03 * i, "equivalent_votes": 3.0 - 0.6 * i, "gain_k3": 0.8 - 0.1 * i}
        values |= {"net_gain_k3": 0.6 - 0.1 * i, "jsd_bits": 0.2, "bhattacharyya": 0.8, "rank": i + 1.0}
        for metric, value in values.items():
            rows.append(row(value, 0.3, metric=metric, labels=labels, votes=votes, n=260) | {"model": model})
    for k in (1, 2, 3):
        rows.append(row(k + 0.1, 0.4, labels="genuine", metric="equivalent_votes", votes=k, reference="truth", n=200)
                    | {"model": "none"})  # fmt: skip
    return rows


def exchange_by_level_rows() -> list[dict]:
    """Rows as of estimate_exchange_by_level."""
    rows = []
    for i, stratum in enumerate(("low", "medium", "high")):
        about = {"stratum": stratum, "protocol": PROTOCOL, "model": ANNOTATOR, "n": 200}
        rows += [row(1.2 + 0.1 * i - 0.1 * k, labels="human", metric="nll", votes=k, **about) for k in (0, 1, 2)]
        for labels, value in {"as_pooled": 0.2, "weighted": 0.8, "fresh-1": 1.1}.items():
            votes = 1 if labels == "fresh-1" else 20
            rows.append(row(value + 0.1 * i, 0.4, labels=labels, metric="equivalent_votes", votes=votes, **about))
    return rows


def costs_rows() -> list[dict]:
    """Rows as of trace_costs."""
    rows = []
    for i, k in enumerate(("1", "2", "3", "5", "all")):
        about = {"stratum": f"human={k}", "n": 280}
        rows.append(row(1.05 - 0.05 * i, labels="human", metric="nll", votes=0, **about))
        for m in (1, 5, 10, 20):
            for labels, change in (("as_pooled", 0.005 * m), ("weighted", -0.02)):
                tested = {"p": 0.001, "p_adjusted": 0.004}
                rows.append(row(1.05 - 0.05 * i + change, labels=labels, metric="nll", votes=m, **about))
                rows.append(row(change, labels=labels, metric="nll_minus_human", votes=m, **about) | tested)
    rows.append(row(7.1, labels="human", stratum="human=all", metric="mean_votes", method="point", n=280))
    return [r | {"model": "none" if r["labels"] == "human" else ANNOTATOR} for r in rows]


def evaluation_rows() -> list[dict]:
    """Rows as of evaluate_models."""
    rows = []
    trained = [(labels, "none") for labels in ARMS] + [(labels, "dime") for labels in ARMS[:3]]
    for i, (labels, augmentation) in enumerate(trained):
        about = {"model": "tiny", "labels": labels, "augmentation": augmentation, "protocol": PROTOCOL}
        for stratum, n in SIZES.items():
            tilt = {"all": 0.0, "low": -0.2, "medium": 0.0, "high": 0.2}[stratum]
            for metric, base in METRICS.items():
                rows.append(row(base * (1 + tilt + 0.02 * i), stratum=stratum, metric=metric, n=n, **about))
            if augmentation != "none":
                rows.append(
                    row(-0.01, stratum=stratum, metric="nll_minus_plain", n=n, **about) | {"p": 0.5, "p_adjusted": 1.0}
                )
            if labels != "human":
                if stratum == "high":
                    rows.append(row(0.04, metric="nll_minus_human_rise", **about))
                rows.append(
                    row(0.02 * i + 0.1 * tilt, stratum=stratum, metric="nll_minus_human", n=n, **about)
                    | {"p": 0.02 * i, "p_adjusted": min(1.0, 0.06 * i)}
                )
        for stratum, n in ({"all": SIZES["all"]} | FURTHER).items():
            rows += [row(0.6 - 0.01 * i, stratum=stratum, metric=m, n=n, **about) for m in ("uar", "macro_f1")]
        for stratum, n in FURTHER.items():
            rows.append(row(1.1 + 0.02 * i, stratum=stratum, metric="nll", n=n, **about))
            if labels != "human":
                extra = {"p": 0.02, "p_adjusted": 0.06}
                rows.append(row(0.02 * i, stratum=stratum, metric="nll_minus_human", n=n, **about) | extra)
        for reference in ("own", "truth"):
            rows += [row(METRICS[m] * 0.97, metric=m, reference=reference, **about) for m in ("nll", "jsd_bits")]
        for seed in (0, 1):
            rows.append(row(1.0 + 0.02 * i + 0.01 * seed, metric="nll", method="seed", votes=seed, **about))
    about = {"model": "other_one", "labels": "human", "augmentation": "none", "protocol": PROTOCOL}
    for i, level in enumerate(("low", "medium", "high")):  # thirds of a conflict of presentations
        rows.append(row(0.02 * i, stratum=f"conflict={level}", metric="nll_minus_model", n=160, **about))
    for labels in ("uniform", "prior", "majority", "human", "human-smoothed"):
        for stratum, n in FURTHER.items():
            rows.append(row(1.1 + SHIFT[labels], labels=labels, stratum=stratum, metric="nll", n=n, protocol=PROTOCOL))
        for stratum, n in SIZES.items():
            for metric, base in METRICS.items():
                rows.append(
                    row(
                        base * (1 + SHIFT[labels]),
                        labels=labels,
                        stratum=stratum,
                        metric=metric,
                        n=n,
                        protocol=PROTOCOL,
                    )
                )
    return rows


def build_run(root: Path) -> dict[str, Path]:
    """Write all tables below ``root`` and return their paths by name."""
    from scaling_ambiguity.io import write_csv, write_json
    from scaling_ambiguity.tables.items import ITEMS
    from scaling_ambiguity.tables.labels import LABELS
    from scaling_ambiguity.tables.rejects import REJECTS
    from scaling_ambiguity.tables.splits import SPLITS
    from scaling_ambiguity.tables.statistics import STATISTICS, statistics_frame
    from scaling_ambiguity.tables.utterances import UTTERANCES
    from scaling_ambiguity.tables.votes import VOTES

    random = np.random.default_rng(0)
    results = root / "results"
    files: dict[str, Path] = {}
    for name, stem, rows in (
        ("alignment", f"alignment-{CORPUS}-{ANNOTATOR}-{PROTOCOL}", alignment_rows()),
        ("agreement", f"agreement-{CORPUS}-{ANNOTATOR}", agreement_rows()),
        ("bias", f"bias-{CORPUS}-{ANNOTATOR}-{PROTOCOL}", bias_rows()),
        ("shared", f"shared-{CORPUS}", shared_rows()),
        ("saturation", f"saturation-{CORPUS}-{ANNOTATOR}", saturation_rows()),
        ("exchange", f"exchange-{CORPUS}-{ANNOTATOR}", exchange_rows()),
        ("exchange_by_level", f"exchange_by_level-{CORPUS}-{ANNOTATOR}-{PROTOCOL}", exchange_by_level_rows()),
        ("costs", f"costs-{CORPUS}-{ANNOTATOR}", costs_rows()),
        ("predictors", f"predictors-{CORPUS}-{PROTOCOL}", predictors_rows()),
        ("evaluation", f"evaluation-{CORPUS}-{PROTOCOL}", evaluation_rows()),
    ):
        files[name] = results / "statistics" / f"{stem}.parquet"
        STATISTICS.write(statistics_frame(rows), files[name])

    names = [f"demo_{i:04d}" for i in range(480)]
    speakers = [f"demo_s{i % 12:02d}" for i in range(480)]
    files["utterances"] = results / "corpora/demo/utterances.parquet"
    UTTERANCES.write(
        pd.DataFrame(
            {
                "utterance": names,
                "speaker": speakers,
                "session": None,
                "split": None,
                "path": [f"audio/{name}.wav" for name in names],
                "duration": random.uniform(1.5, 2.5, 480),
                "sample_rate": 16000,
                "transcript": "the train was on time",
            }
        ).astype({"session": object, "split": object}),
        files["utterances"],
    )
    p = random.dirichlet([1.8, 1.0, 0.7, 0.5], 480)
    votes = [
        {"utterance": name, "rater": f"demo_r{rater:02d}", "label": CLASSES[random.choice(4, p=p[i])]}
        for i, name in enumerate(names)
        for rater in random.choice(30, random.integers(3, 11), replace=False)
    ]
    frame = pd.DataFrame(votes).assign(
        presentation="voice", kind="observer", role="primary", rank=0, weight=1.0, raters_known=True
    )
    files["votes"] = results / "corpora/demo/votes.parquet"
    VOTES.write(frame.assign(label_raw=frame["label"]), files["votes"])
    files["rejects"] = results / "corpora/demo/rejects.parquet"
    REJECTS.write(
        pd.DataFrame(
            {
                "item": ["demo_9999"],
                "stage": ["utterances"],
                "reason": ["no votes"],
                "source_file": ["votes.csv"],
                "source_line": [1],
            }
        ),
        files["rejects"],
    )
    counts = pd.crosstab(frame["utterance"], frame["label"]).reindex(index=names, columns=CLASSES, fill_value=0)
    shares = counts.div(counts.sum(axis=1), axis=0)
    files["labels"] = results / "labels/demo/fair/human.parquet"
    LABELS.write(
        pd.DataFrame(
            {"utterance": names, "n_human": counts.sum(axis=1).to_numpy(), "n_synthetic": 0}
            | {f"p_{label}": shares[label].to_numpy() for label in CLASSES}
        ),
        files["labels"],
    )
    files["splits"] = results / "splits/demo/fair.parquet"
    SPLITS.write(
        pd.DataFrame(
            [
                {"utterance": name, "fold": fold, "part": "test" if i % 2 == fold else "train"}
                for fold in (0, 1)
                for i, name in enumerate(names)
            ]
        ),
        files["splits"],
    )
    files["leakage"] = results / "splits/demo/fair.leakage.csv"
    write_csv(leakage_counts(hashes=0), files["leakage"])
    files["verdicts"] = results / f"hypotheses/{CORPUS}-{ANNOTATOR}-{PROTOCOL}.json"
    write_json(VERDICTS, files["verdicts"])
    files["audit"] = results / "corpora/demo/audit.json"
    write_json(AUDIT, files["audit"])
    files["augmented"] = results / "augmented/demo/fair/human/dime/fold-0"
    mixed = random.dirichlet([0.4, 0.4, 1.0, 2.0], 40)
    ITEMS.write(
        pd.DataFrame(
            {
                "utterance": [f"mix_{i:03d}" for i in range(40)],
                "parents": [f"{names[2 * i + 1]}|{names[2 * i + 3]}" for i in range(40)],
                "alpha": 0.5,
                "transform": "mix",
                "path": [f"audio/mix_{i:03d}.wav" for i in range(40)],
                "transcript": "the train was on time",
            }
            | {f"p_{label}": mixed[:, j] for j, label in enumerate(CLASSES)}
        ),
        files["augmented"] / "items.parquet",
    )
    files["status"] = results / "proxies/demo/tiny_crossed/status.csv"
    write_csv(
        pd.DataFrame(
            {
                "prompt": ["tone", "tone", "words", "words"],
                "temperature": [0.2, 0.8, 0.2, 0.8],
                "ok": [2390, 2395, 2400, 2390],
                "invalid": [10, 5, 0, 6],
                "cut": 0,
                "refused": [0, 0, 0, 4],
                "failed": 0,
                "total": 2400,
            }
        ),
        files["status"],
    )
    files["draws"] = files["status"].with_name("draws.csv")
    draws = {
        "utterance": ["u0", "u1", "u2"],
        "total": [20, 20, 0],
        "valid": [20, 19, 0],
        "effective": [12.0, 11.0, 0.0],
    }
    write_csv(pd.DataFrame(draws), files["draws"])
    files["heldout"] = results / "models/tiny/heldout.json"
    write_json(HELDOUT, files["heldout"])
    return files


def leakage_counts(hashes: int) -> pd.DataFrame:
    """Return counts as of report_leakage in two folds; ``hashes`` sounds are compared, two pairs are identical."""
    pairs = {"sets": 2, "across": 0, "examples": "a_1 a_2; b_1 b_2"} if hashes else {}
    rows = []
    for fold in (0, 1):
        common = {"fold": fold, "compared": 480, "sets": 0, "across": 0, "test": 0, "examples": ""}
        rows += [common | {"kind": "audio", "compared": hashes} | pairs, common | {"kind": "speaker"}]
        shared = 9 + fold
        rows.append(common | {"kind": "transcript", "sets": shared, "across": shared, "test": 9, "examples": "a_1 b_1"})
    return pd.DataFrame(rows)[["fold", "kind", "compared", "sets", "across", "test", "examples"]]


def finding(name: str, verdict: str, estimate: float) -> dict:
    about = {"p": 0.01, "p_adjusted": 0.04, "level": 0.99, "mde": 0.05, "n": 330, "n_clusters": 12}
    return {
        "name": name,
        "verdict": verdict,
        "estimate": estimate,
        "low": estimate - 0.1,
        "high": estimate + 0.1,
    } | about


VERDICTS = {
    "corpus": CORPUS,
    "protocol": PROTOCOL,
    "source": "models",
    "delta": 0.024,
    "delta_low": 0.018,
    "delta_high": 0.03,
    "delta_se": 0.003,
    "delta_after": 3,
    "simulated": True,
    "hypotheses": [
        {
            "model": "tiny",
            "annotator": ANNOTATOR,
            "pooling": pooling,
            "h1": {"verdict": "undecided", "parts": [finding("h1_gain", "undecided", -0.05)]},
            "h2": {"verdict": "confirmed", "parts": [finding("h2_difference", "confirmed", 0.2)]},
            "h3": {"verdict": "refuted", "parts": [finding("h3_excess", "refuted", -0.2)]},
        }
        for pooling in ("equal", "weighted")
    ],
}
AUDIT = {
    "utterances": {"found": 481, "kept": 480, "lost": {"nobody voted on it": 1}},
    "votes": {"found": 3130, "kept": 3120, "lost": {"outside the classes": 10}},
}
HELDOUT = {
    "name": "tiny",
    "parameters": 611_000,
    "trained_on_utterances": 800,
    "utterances": 160,
    "speakers": 8,
    "model": {"accuracy": 0.76, "nll": 0.95, "jsd_bits": 0.12},
    "prior": {"accuracy": 0.41, "nll": 1.25, "jsd_bits": 0.22},
    "ceiling": {"accuracy": 1.0, "nll": 0.9, "jsd_bits": 0.0},
}


def votes_only(run: dict[str, Path], root: Path) -> dict[str, Path]:
    """Write the tables of a run on votes alone below ``root``: a real corpus and an annotator that replays votes."""
    from scaling_ambiguity.io import write_csv, write_json
    from scaling_ambiguity.tables.rejects import REJECTS
    from scaling_ambiguity.tables.statistics import STATISTICS
    from scaling_ambiguity.tables.utterances import UTTERANCES
    from scaling_ambiguity.tables.votes import VOTES

    files: dict[str, Path] = {}
    for kind, stem in (
        ("alignment", "alignment-cremad-face-fair"),
        ("agreement", "agreement-cremad-face"),
        ("bias", "bias-cremad-face-fair"),
        ("shared", "shared-cremad"),
        ("saturation", "saturation-cremad-face"),
        ("exchange", "exchange-cremad-face"),
        ("exchange_by_level", "exchange_by_level-cremad-face-fair"),
        ("costs", "costs-cremad-face"),
        ("predictors", "predictors-cremad-fair"),
    ):
        table = STATISTICS.read(run[kind])
        table = table[(table["reference"] != "truth") & ~table["labels"].str.startswith("fresh")]
        # raters are not known
        asked = table["metric"].str.contains("^alt_test|^variance_|_audio$|_text$")  # nobody was asked anything
        table = table[(table["population"] == "these raters") & ~asked]
        table = table.assign(corpus="cremad")
        for column in ("labels", "model"):
            table[column] = table[column].str.replace(ANNOTATOR, "face")
        files[kind] = root / "results" / "statistics" / f"{stem}.parquet"
        STATISTICS.write(table, files[kind])
    corpus = root / "results" / "corpora" / "cremad"
    files |= {name: corpus / f"{name}.parquet" for name in ("utterances", "votes", "rejects")}
    utterances = UTTERANCES.read(run["utterances"]).assign(path=None, duration=np.nan)
    UTTERANCES.write(utterances.astype({"path": "str"}), files["utterances"])
    votes = VOTES.read(run["votes"])
    place = votes.groupby("utterance").cumcount().astype(str)
    VOTES.write(votes.assign(rater=votes["utterance"] + "#" + place, raters_known=False), files["votes"])
    REJECTS.write(REJECTS.read(run["rejects"]), files["rejects"])
    files["leakage"] = root / "results" / "splits" / "cremad" / "fair.leakage.csv"
    write_csv(leakage_counts(hashes=480), files["leakage"])
    files["audit"] = run["audit"]
    files["verdicts"] = root / "results" / "hypotheses" / "cremad-face-fair.json"
    write_json(VERDICTS | {"corpus": "cremad", "source": "labels"}, files["verdicts"])
    files["status"] = root / "results" / "proxies" / "cremad" / "face" / "status.csv"
    counts = {"ok": 2870, "invalid": 4, "cut": 0, "refused": 0, "failed": 6, "total": 2880}
    write_csv(pd.DataFrame([{"prompt": "replay", "temperature": 0.0} | counts]), files["status"])
    return files


@pytest.fixture(scope="session")
def votes_run(run: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return votes_only(run, tmp_path_factory.mktemp("votes_run"))


@pytest.fixture(scope="session")
def votes_config(config: dict) -> dict:
    """Return the configuration of a run on the voice votes of a corpus, with its face votes as the proxy."""
    config = json.loads(json.dumps(config))
    entry = {"reader": "cremad", "classes": CLASSES, "audio": "optional", "shards": 1}
    config["corpora"] |= {"cremad": entry | {"presentation": "voice"}, "cremad_face": entry | {"presentation": "face"}}
    config["alms"]["face"] = {"engine": "replay", "corpus": "cremad_face", "gpus": 0}
    config["annotators"]["face"] = {"alm": "face", "mode": "replay", "votes": 6}
    config["protocols"]["fair"]["splits"] = {"scheme": "groups", "groups": [["1", "5"], ["6", "9"]], "validation": 0.2}
    config["run"] |= {"corpora": ["cremad"], "annotators": ["face"], "augmentation": ["none"]}
    config["paper"]["headline"] = {"corpus": "cremad", "annotator": "face", "protocol": "fair"}
    return config


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return build_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="session")
def config() -> dict:
    return yaml.safe_load((REPOSITORY / "config.yaml").read_text())


@pytest.fixture(scope="session")
def config_json(config: dict) -> str:
    return json.dumps(config, sort_keys=True)


@pytest.fixture(scope="session")
def settings_of(tmp_path_factory: pytest.TempPathFactory):
    """Return a function that gives the settings of a configuration, as JSON; corpora with files have no sound."""
    root = str(tmp_path_factory.mktemp("corpora"))

    def settings(config: dict) -> str:
        rooted = {name: {"root": root} | entry for name, entry in config["corpora"].items()}
        return json.dumps(Run(config | {"corpora": rooted}, REPOSITORY, REPOSITORY).settings())

    return settings


@pytest.fixture(scope="session")
def program():
    """Return a function that gives the beginning of the command that makes a figure, a table or anything else."""

    def command(name):
        display = (FIGURES | TABLES).get(name)
        if display is None or not display.shows:
            return [sys.executable, str(SCRIPTS / f"{name}.py")]
        script = "draw_figure" if name in FIGURES else "write_table"
        return [sys.executable, str(SCRIPTS / f"{script}.py"), "--name", name]

    return command
