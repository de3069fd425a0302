"""The archive of a finished run, and what is drawn from it in a checkout that has nothing else."""

import json
import zipfile
from pathlib import Path

import pytest
from checkout import TINY, Checkout

pytestmark = pytest.mark.ci

RUN = Path("runs", "tiny")


@pytest.fixture(scope="module")
def archive(tiny_run):
    """Archive the finished run of the tiny preset."""
    tiny_run.snakemake("-c2", "archive", *TINY)
    return tiny_run.root / RUN / "results" / "archive.zip"


@pytest.fixture(scope="module")
def redrawn(archive, tmp_path_factory):
    """Redraw it in a checkout without results, all but the report."""
    other = Checkout.make(tmp_path_factory.mktemp("re drawn"))
    other.warm("-c2", "paper/main.pdf", "results/notebooks/index.html", "--config", f"source={archive}", timeout=600)
    # jobs of Snakemake itself, on what the others left
    other.snakemake("-c1", "leaderboard", "--rerun-triggers", "mtime", "--config", f"source={archive}")
    return other


def contents(path):
    with zipfile.ZipFile(path) as source:
        return {name: source.read(name) for name in source.namelist()}


def test_it_holds_the_run_and_its_code(archive, tiny_run):
    held, results = contents(archive), tiny_run.root / RUN
    for name, content in held.items():
        for folder, base in (("run/", results), ("products/", results), ("code/", tiny_run.root)):
            if name.startswith(folder):
                assert (base / name.removeprefix(folder)).read_bytes() == content, name
    statistics = {f"run/{path.relative_to(results)}" for path in (results / "results/statistics").iterdir()}
    papers = {f"products/paper/{path.name}" for path in (results / "paper").glob("*.pdf")}
    assert held.keys() >= statistics | papers | {"code/requirements.txt", "code/Snakefile", "ro-crate-metadata.json"}
    of_run = [name for name in held if not name.startswith("code/")]
    assert not [name for name in of_run if name.endswith((".flac", ".wav", ".safetensors"))]
    assert str(tiny_run.root) not in held["archive.json"].decode() + held["ro-crate-metadata.json"].decode()
    answers = [name for name in held if name.startswith("answers/tiny_crossed/")]
    assert "answers/tiny_crossed/manifest.json" in answers and "answers/tiny_crossed/answers.jsonl" in answers


def test_it_is_drawn_again_without_model_or_sound_to_the_same_bytes(archive, redrawn):
    products = {name: content for name, content in contents(archive).items() if name.startswith("products/")}
    different = [
        name for name, content in products.items() if (redrawn.root / name[len("products/") :]).read_bytes() != content
    ]
    assert len(products) > 60 and different == []
    assert not (redrawn.root / "resources").exists()


def test_the_plan_of_a_redraw_has_only_rules_that_draw(archive, redrawn, tmp_path):
    other = Checkout.make(tmp_path / "new")
    planned = other.planned("all", "leaderboard", "notebooks", "--config", f"source={archive}")
    drawn = {name for name in planned if name.startswith(("fig_", "tab_"))}
    assert len(drawn) > 20 and planned - drawn == {
        "all",
        "build_paper",
        "build_report",
        "check_verdicts",
        "index_notebooks",
        "leaderboard",
        "notebooks",
        "unpack_archive",
        "write_leaderboard",
        "write_numbers",
    }


def test_a_tampered_archive_and_other_settings_are_refused_before_any_work(archive, checkout, tmp_path):
    whole = bytearray(archive.read_bytes())
    whole[len(whole) // 2] ^= 1
    (tmp_path / "bad.zip").write_bytes(bytes(whole))
    said = checkout.snakemake("-n", "all", "--config", f"source={tmp_path / 'bad.zip'}", check=False)
    assert f"error: {tmp_path / 'bad.zip'}" in said and "Get the archive again" in said and "Traceback" not in said
    said = checkout.snakemake("-n", "all", "--config", f"source={archive}", "seed=7", check=False)
    assert "seed = 7 is given in addition to source" in said
    said = checkout.snakemake("-n", "explorer", "--config", f"source={archive}", check=False)
    assert "not drawn from an archive" in said
    assert not (checkout.root / "results").exists()


def test_a_folder_with_a_run_is_not_drawn_over(archive, tiny_run):
    said = tiny_run.snakemake("-n", "all", "--config", f"source={archive}", f"run={{directory: {RUN}}}", check=False)
    assert "holds the run 'tiny'" in said and "runs/redrawn" in said


@pytest.mark.slow
def test_of_a_licensed_corpus_what_is_drawn_is_kept_and_nothing_about_single_utterances(tiny_run, tmp_path):
    closed = ("--config", "corpora={demo: {license: proprietary}}", *TINY)
    tiny_run.snakemake("-c2", "archive", "--rerun-triggers", "mtime", "--forcerun", "build_archive", *closed)
    path = tiny_run.root / RUN / "results" / "archive.zip"
    held = contents(path)
    kept = {name.split("/")[2] for name in held if name.startswith("run/results/") and name.count("/") > 2}
    assert kept == {"hypotheses", "notebooks", "statistics", "validity"}
    assert not [name for name in held if name.startswith("answers/")]
    assert "run/paper/numbers.tex" in held and "run/paper/tables/tab_corpus.tex" in held
    assert held["run/paper/figures/fig_simplex.csv"].startswith(b"augmentation,part,")
    for name, content in held.items():
        if name.startswith(("run/", "products/")) and name.endswith(
            (".csv", ".tex", ".json", ".html", ".ipynb", ".svg")
        ):
            assert b"demo_0" not in content, name
    assert "demo" in json.loads(held["archive.json"])["left_out"][1]
    other = Checkout.make(tmp_path / "again")
    planned = other.planned("all", "--config", f"source={path}")
    assert not planned & {"write_numbers", "tab_corpus", "tab_votes_lost", "fig_simplex", "tab_augmentation"}
    other.warm("-c2", "paper/main.pdf", "--config", f"source={path}", timeout=600)
    assert (other.root / "paper/main.pdf").read_bytes() == (tiny_run.root / RUN / "paper/main.pdf").read_bytes()
