"""A made-up run of AmbER2 systems: the program of the evaluation with a conflict, and the notebook on its results."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.tables.labels import LABELS
from scaling_ambiguity.tables.predictions import PREDICTIONS
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.statistics import STATISTICS
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES

REPOSITORY = Path(__file__).resolve().parents[3]
CLASSES = ["happy", "neutral", "sad"]
SPEAKERS, EACH, DEALS = 12, 10, 4
STATISTICS_PART = {"resamples": 200, "level": 0.95, "interval": "bootstrap_t", "smoothing": 0.001, "adjust": "holm"}
SYSTEM = {"speech": "voice", "text": "words", "hidden": [8]}
SOFT = {"rater": "nll", "lambda_m": 0, "experts_own": 0}
LITERAL = {"rater": "jsd", "experts_own": 0, "kappa": 8, "stop_gradient": {"p": False, "u": False}}
# system -> entry, and how far its predictions are from the truth
SYSTEMS = {
    "speech_alone": ({"student": "speech", "loss": SOFT}, 0.2),
    "soft": ({"loss": SOFT}, 0.1),
    "literal": ({"loss": LITERAL}, 0.4),
    "equal_u": ({"loss": LITERAL | {"weights": "uniform"}}, 0.4),
}


def program(name, folder, *arguments):
    command = [sys.executable, str(REPOSITORY / "workflow" / "scripts" / f"{name}.py"), *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def votes_of(names, shares, number, presentation, random):
    rows = [
        (name, f"{presentation}{i}", label)
        for name, p in zip(names, shares, strict=True)
        for i, label in enumerate(random.choice(CLASSES, number, p=p))
    ]
    frame = pd.DataFrame(rows, columns=["utterance", "rater", "label"])
    return frame.assign(
        presentation=presentation, kind="observer", role="primary", rank=0, label_raw=frame["label"], weight=1.0,
        raters_known=True,
    )  # fmt: skip


def write_predictions(folder, names, truth, tested, random):
    for model, (_, far) in SYSTEMS.items():
        for seed in (0, 1):
            noise = random.dirichlet(np.ones(3), len(names))
            p = (1 - far) * truth + far * noise
            for fold in (0, 1):
                rows = np.flatnonzero(tested == fold)
                frame = pd.DataFrame(p[rows], columns=[f"p_{label}" for label in CLASSES])
                frame = frame.assign(
                    corpus="voices", protocol="fair", model=model, labels="human", augmentation="none",
                    strategy="none", fold=fold, seed=seed, utterance=[names[i] for i in rows],
                )  # fmt: skip
                place = f"results/predictions/voices/fair/{model}/human/none/fold-{fold}/seed-{seed}.parquet"
                PREDICTIONS.write(frame, folder / place)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return the folder of the run: half of the utterances have a face of another class than their voice."""
    folder, random = tmp_path_factory.mktemp("run"), np.random.default_rng(4)
    names = [f"s{speaker:02d}_{i}" for speaker in range(SPEAKERS) for i in range(EACH)]
    top = random.integers(0, 3, len(names))
    conflicting = np.arange(len(names)) % 2 == 1
    sharp = 0.7 * np.eye(3) + 0.1
    truth = sharp[top]
    utterances = pd.DataFrame({"utterance": names, "speaker": [name[:3] for name in names]})
    absent = dict.fromkeys(("session", "split", "path", "transcript"))
    utterances = utterances.assign(**absent, duration=np.nan, sample_rate=pd.array([None] * len(names), "Int64"))
    corpora = folder / "results/corpora"
    UTTERANCES.write(utterances.astype(dict.fromkeys(absent, "str")), corpora / "voices/utterances.parquet")
    votes = votes_of(names, truth, 8, "voice", random)
    VOTES.write(votes, corpora / "voices/votes.parquet")
    face = votes_of(names, sharp[(top + conflicting) % 3], 6, "face", random)
    VOTES.write(face, corpora / "faces/votes.parquet")
    roles = votes[["utterance", "rater"]].assign(votes=np.int16(8), level_votes=np.int16(3))
    for deal in range(DEALS):
        order = np.concatenate([random.permutation(8) for _ in names])
        roles[f"position_{deal:02d}"] = order.astype(np.int16)
    ROLES.write(roles, corpora / "voices/roles.parquet")
    tested = np.array([int(name[1:3]) % 2 for name in names])
    parts = [
        (name, fold, "test" if tested[i] == fold else "validation" if int(name[1:3]) < 2 else "train")
        for fold in (0, 1)
        for i, name in enumerate(names)
    ]
    SPLITS.write(pd.DataFrame(parts, columns=["utterance", "fold", "part"]), folder / "splits.parquet")
    labels = pd.DataFrame(truth, columns=[f"p_{label}" for label in CLASSES])
    labels = labels.assign(utterance=names, n_human=8, n_synthetic=0)
    LABELS.write(labels, folder / "human.parquet")
    write_predictions(folder, names, truth, tested, random)
    made = program(
        "assign_levels", folder,
        "--roles", corpora / "voices/roles.parquet", "--votes", corpora / "voices/votes.parquet",
        "--splits", "splits.parquet", "--options", json.dumps({"definition": "agreement", "votes": 3}),
        "--output", "levels.parquet", "--thresholds", "levels.csv",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return folder


def evaluate(folder, output, *more):
    voices = folder / "results/corpora/voices"
    predictions = sorted((folder / "results/predictions").rglob("*.parquet"))
    made = program(
        "evaluate_models", folder, "--corpus", "voices", "--protocol", "fair",
        "--predictions", *predictions, "--labels-tables", "human.parquet",
        "--votes", voices / "votes.parquet", "--roles", voices / "roles.parquet", "--levels", "levels.parquet",
        "--splits", "splits.parquet", "--utterances", voices / "utterances.parquet", "--classes", ",".join(CLASSES),
        "--options", json.dumps(STATISTICS_PART), "--seed", 5, "--output", output, *more,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return made.stdout


@pytest.fixture(scope="module")
def evaluated(run):
    """Return what the program printed, and its table, made with the votes on the face."""
    output = run / "results/statistics/evaluation-voices-fair.parquet"
    face = run / "results/corpora/faces/votes.parquet"
    printed = evaluate(run, output, "--conflict", face, "--against", "speech_alone")
    return printed, STATISTICS.read(output)


def test_the_program_judges_by_conflict_and_against_one_model(evaluated):
    printed, table = evaluated
    assert (
        printed.count(": conflict is medium above ") == 2 and "0 of 120 tested utterances have no conflict" in printed
    )
    parts = table[table["stratum"].str.startswith("conflict=") & (table["metric"] == "nll_minus_model")]
    assert {(row.model, row.stratum) for row in parts.itertuples()} == {
        (model, f"conflict={level}") for model in ("soft", "literal", "equal_u") for level in ("low", "medium", "high")
    }
    assert abs(parts[parts["model"] == "soft"]["n"].sum() - 120) <= 2
    assert (parts[parts["model"] == "soft"]["estimate"] < 0).all()
    assert set(table[table["stratum"] == "conflict"]["metric"]) == {"nll_minus_model_rise"}


def test_without_it_every_other_row_stays(run, evaluated):
    evaluate(run, run / "plain.parquet")
    table = evaluated[1]
    new = table["stratum"].str.startswith("conflict") | table["metric"].str.contains("_minus_model")
    pd.testing.assert_frame_equal(table[~new].reset_index(drop=True), STATISTICS.read(run / "plain.parquet"))


@pytest.fixture(scope="module")
def notebook(run, evaluated):
    """Return the executed notebook, its verdicts by name, and what the program printed."""
    entries = {name: SYSTEM | entry for name, (entry, _) in SYSTEMS.items()}
    headline = {"corpus": "voices", "annotator": "face", "protocol": "fair"}
    given = {"headline": headline, "classes": CLASSES, "statistics": STATISTICS_PART, "seed": 5, "systems": entries}
    made = program(
        "execute_notebook", run,
        "--notebook", REPOSITORY / "notebooks/amber2.ipynb", "--parameters", json.dumps(given),
        "--ipynb", "n.ipynb", "--html", "n.html", "--verdict", "n.verdict.json",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    verdicts = {one["name"]: one for one in json.loads((run / "n.verdict.json").read_text())}
    return nbformat.read(run / "n.ipynb", as_version=4), verdicts


@pytest.mark.ci
def test_what_follows_from_the_loss_gates_and_holds(notebook):
    _, verdicts = notebook
    gating = {name for name, one in verdicts.items() if one["gating"]}
    assert gating == {
        "soft cross-entropy is proper", "JSD sharpens", "weights are a sigmoid", "kappa 0 weighs equally",
        "an absent expert has no weight", "literally every part learns", "stopped experts get exactly nothing",
        "such a system is refused", "NLL of the systems", "differences of the table",
    }  # fmt: skip
    assert all(verdicts[name]["passed"] for name in gating), verdicts


def test_what_a_part_is_worth_is_shown_with_its_interval_and_never_gates(notebook, evaluated):
    verdicts, table = notebook[1], evaluated[1]
    fused, gain, pays = (
        verdicts[name] for name in ("fused not worse than speech alone", "the published loss gains", "u pays")
    )
    assert fused["passed"] and fused["message"].startswith("soft less speech_alone: -")
    row = table[(table["model"] == "soft") & (table["metric"] == "nll_minus_model") & (table["stratum"] == "all")]
    numbers = [f"{float(row[column].iloc[0]):+.4f}" for column in ("estimate", "low", "high")]
    assert all(number in fused["message"] for number in numbers), (fused, numbers)
    assert not gain["passed"] and gain["message"].startswith("literal less soft: +")
    assert not pays["passed"] and pays["message"].startswith("literal less equal_u: ")
