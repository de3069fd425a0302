"""The archive: one form, every byte of which is checked; what of licensed corpora stays out; its metadata."""

import json
import shutil
import struct
import subprocess
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import yaml

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import write_parquet
from scaling_ambiguity.reporting.archive import opening
from scaling_ambiguity.reporting.archive.container import MANIFEST, verified_names, write_container
from scaling_ambiguity.reporting.archive.crate import crate
from scaling_ambiguity.reporting.archive.packing import members, readme, sums, without_utterances
from scaling_ambiguity.reporting.archive.sources import code_version, source_files, sources_sha256

REPOSITORY = Path(__file__).resolve().parents[3]
CONFIG = {"seed": 1, "run": {"name": "small", "directory": "."}, "paper": {"title": "A title"}}
ABOUT = {"format": 1, "code": None, "left_out": ["sound"], "config": CONFIG}
FILES = {
    "archive.json": json.dumps(ABOUT).encode(),
    "run/results/statistics/a.parquet": bytes(range(256)),
    "run/paper/numbers.tex": b"12\n",
    "products/paper/main.pdf": b"%PDF",
    "code/Snakefile": b"rule all:\n",
}


@pytest.fixture
def archive(tmp_path):
    write_container(FILES, tmp_path / "one.zip")
    return tmp_path / "one.zip"


def raw(path, entries, compression=zipfile.ZIP_STORED, date=(1980, 1, 1, 0, 0, 0)):
    """Write a zip file by the standard library alone; entries are (name, content)."""
    with zipfile.ZipFile(path, "w", compression) as target:
        for name, content in entries:
            entry = zipfile.ZipInfo(name, date)
            entry.compress_type, entry.create_system, entry.external_attr = compression, 3, 0o100644 << 16
            target.writestr(entry, content)
    return path


def tracked():
    """Return what git tracks and what it would."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if name and (REPOSITORY / name).is_file()]


def unpacked(path):
    with zipfile.ZipFile(path) as source:
        return {name: source.read(name) for name in source.namelist()}


def test_the_same_contents_give_the_same_bytes(archive, tmp_path):
    (tmp_path / "main.pdf").write_bytes(b"%PDF")
    shuffled = dict(reversed(FILES.items())) | {"products/paper/main.pdf": tmp_path / "main.pdf"}
    write_container(shuffled, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()
    assert verified_names(archive) == sorted(FILES)
    contents = unpacked(archive)
    assert list(contents) == sorted(contents), "sorted names"


def test_its_manifest_is_what_sha256sum_checks(archive, tmp_path):
    with zipfile.ZipFile(archive) as source:
        source.extractall(tmp_path / "out")
    result = subprocess.run(["sha256sum", "-c", MANIFEST], cwd=tmp_path / "out", capture_output=True, text=True)
    assert result.returncode == 0 and len(result.stdout.splitlines()) == len(FILES)


def test_every_changed_byte_is_refused(archive, tmp_path):
    whole, bad = archive.read_bytes(), tmp_path / "bad.zip"
    assert len(whole) < 4000
    for place in range(len(whole)):
        bad.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        with pytest.raises(UserError, match=r"bad\.zip: .*Get the archive again"):
            verified_names(bad)


@pytest.mark.parametrize("cut", [0, 1, 22, 500])
def test_a_cut_or_extended_file_is_refused(archive, tmp_path, cut):
    whole = archive.read_bytes()
    (tmp_path / "bad.zip").write_bytes(whole[:-cut] if cut else whole + b"x")
    with pytest.raises(UserError, match=r"bad\.zip"):
        verified_names(tmp_path / "bad.zip")


def test_a_missing_and_an_added_file_are_named(archive, tmp_path):
    contents = unpacked(archive)
    fewer = [(name, content) for name, content in contents.items() if name != "code/Snakefile"]
    with pytest.raises(UserError, match="lacks 'code/Snakefile'"):
        verified_names(raw(tmp_path / "a.zip", fewer))
    with pytest.raises(UserError, match=r"holds 'run/results/x\.csv', which its manifest"):
        verified_names(raw(tmp_path / "b.zip", [*contents.items(), ("run/results/x.csv", b"1")]))
    changed = contents | {"run/paper/numbers.tex": b"13\n"}
    with pytest.raises(UserError, match=r"'run/paper/numbers\.tex' is not the file"):
        verified_names(raw(tmp_path / "c.zip", changed.items()))
    with pytest.raises(UserError, match=f"has no {MANIFEST}"):
        verified_names(raw(tmp_path / "d.zip", [("a", b"b")]))
    with pytest.raises(UserError, match="outside their contents"):
        verified_names(raw(tmp_path / "e.zip", contents.items(), date=(2020, 1, 1, 0, 0, 0)))
    with pytest.raises(UserError, match="no such file"):
        verified_names(tmp_path / "f.zip")
    with pytest.raises(UserError, match="not readable as an archive"):
        (tmp_path / "g.zip").write_text("no zip")
        verified_names(tmp_path / "g.zip")


@pytest.mark.parametrize(
    "name", ["../out", "run/../../out", "/tmp/out", "run//out", "run/./out", "C:out", "a\\..\\out"]
)
def test_a_path_that_leaves_the_folder_is_refused_even_if_it_is_listed(tmp_path, name):
    write_container(FILES | {name: b"x"}, tmp_path / "bad.zip")
    with pytest.raises(UserError, match="may leave the folder"):
        verified_names(tmp_path / "bad.zip")
    with pytest.raises(UserError, match="may leave the folder"):
        opening.lay_out(tmp_path / "bad.zip", tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


def test_a_bomb_and_a_second_file_of_a_name_are_refused(archive, tmp_path):
    contents = unpacked(archive)
    with pytest.raises(UserError, match="is compressed"):
        verified_names(raw(tmp_path / "a.zip", contents.items(), zipfile.ZIP_DEFLATED))
    with pytest.warns(UserWarning), pytest.raises(UserError, match="twice"):
        verified_names(raw(tmp_path / "b.zip", [*contents.items(), ("code/Snakefile", b"rule all:\n")]))
    whole = bytearray(archive.read_bytes())
    central = whole.index(b"PK\x01\x02")
    whole[central + 24 : central + 28] = struct.pack("<I", 10**9)  # uncompressed size that the directory states
    (tmp_path / "c.zip").write_bytes(bytes(whole))
    with pytest.raises(UserError, match="would unpack to more bytes"):
        verified_names(tmp_path / "c.zip")


def test_it_is_laid_out_and_nothing_outside_products(archive, tmp_path):
    assert opening.start_files(archive) == ["paper/numbers.tex", "results/statistics/a.parquet"]
    opening.lay_out(archive, tmp_path / "run folder")
    assert (tmp_path / "run folder/paper/numbers.tex").read_bytes() == b"12\n"
    assert (tmp_path / "run folder/results/statistics/a.parquet").read_bytes() == bytes(range(256))
    for name in ("run/workflow/scripts/x.py", "run/config.yaml", "run/results/{corpus}.csv"):
        write_container(FILES | {name: b"x"}, tmp_path / "odd.zip")
        with pytest.raises(UserError, match="is no product of a run"):
            opening.lay_out(tmp_path / "odd.zip", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_its_configuration_holds_in_the_folder_of_the_present_one(archive, tmp_path):
    config = opening.source_config({"seed": 5, "run": {"directory": "runs/x"}}, archive)
    assert config == CONFIG | {"source": str(archive), "run": {"name": "small", "directory": "runs/x"}}
    opening.refuse_other_settings(CONFIG, json.loads(json.dumps(CONFIG)))
    with pytest.raises(UserError, match="seed = 2 is given in addition to source, whose run has 1"):
        opening.refuse_other_settings(CONFIG, CONFIG | {"seed": 2})
    for about in ({"format": 2, "config": {}}, [], {"format": 1}):
        write_container({"archive.json": json.dumps(about).encode()}, tmp_path / "other.zip")
        with pytest.raises(UserError, match="of format"):
            opening.read_about(tmp_path / "other.zip")


def test_the_metadata_name_every_file_the_workflow_and_its_run():
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())
    files = FILES | {"README.md": b"# x", "products/paper/figures/f.pdf": b"%"}
    about = {"name": "n", "description": "d", "snakemake": "9", "version": "abc"}
    described = crate(sums(files), about, citation, {"demo": "CC0-1.0"})
    entities = {one["@id"]: one for one in described["@graph"]}
    assert len(entities) == len(described["@graph"]), "each entity once"
    root, run, workflow = entities["./"], entities["#run"], entities["code/Snakefile"]
    assert entities["ro-crate-metadata.json"]["about"] == {"@id": "./"}
    assert {one["@id"] for one in root["conformsTo"]} >= {"https://w3id.org/ro/wfrun/workflow/0.5"}
    assert {one["@id"] for one in root["hasPart"]} == set(files)
    assert root["mainEntity"] == run["instrument"] == {"@id": "code/Snakefile"}
    assert workflow["@type"] == ["File", "SoftwareSourceCode", "ComputationalWorkflow"] and workflow["version"] == "abc"
    assert workflow["output"] == {"@id": "#products/paper/main.pdf"}, "the papers, no figure"
    assert run["@type"] == "CreateAction" and {"@id": "products/paper/main.pdf"} in run["result"]
    for name, content in files.items():
        size, sha256 = sums({name: content})[name]
        assert (entities[name]["contentSize"], entities[name]["sha256"]) == (str(size), sha256)
    assert [one["name"] for one in described["@graph"] if one["@id"].startswith("#author")] == [
        author["name"] for author in citation["authors"]
    ]


def test_every_reference_of_the_metadata_leads_somewhere():
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())
    about = {"name": "n", "description": "d", "snakemake": "9", "version": None}
    graph = crate(sums(FILES | {"README.md": b""}), about, citation, {})["@graph"]

    def references(value):
        if isinstance(value, dict):
            yield from [value["@id"]] if set(value) == {"@id"} else ()
        elif isinstance(value, list):
            for one in value:
                yield from references(one)

    known = {one["@id"] for one in graph}
    lost = {name for one in graph for value in one.values() for name in references(value)} - known
    assert all(name.startswith(("http://schema.org", "https://bioschemas.org", "https://w3id.org")) for name in lost)


def test_columns_about_utterances_of_licensed_corpora_stay_out(tmp_path):
    (tmp_path / "a.csv").write_text("utterance,part,p_sad\nu1,train,0.250\nu2,,1\n")
    (tmp_path / "b.csv").write_text("part,p\nx,1\n")
    write_parquet(pd.DataFrame({"labels": ["x"]}), tmp_path / "c.parquet")
    write_parquet(pd.DataFrame({"speaker": ["x"]}), tmp_path / "d.parquet")
    paths = {name: tmp_path / name for name in ("a.csv", "b.csv", "c.parquet")}
    shared = without_utterances(paths)
    assert shared["a.csv"] == b"part,p_sad\ntrain,0.250\n,1\n", "texts as they were"
    assert (shared["b.csv"], shared["c.parquet"]) == (paths["b.csv"], paths["c.parquet"])
    with pytest.raises(UserError, match="column 'speaker' is about single utterances"):
        without_utterances({"d.parquet": tmp_path / "d.parquet"})


def test_of_a_folder_of_augmented_items_the_table_alone_is_taken(tmp_path, monkeypatch):
    for name in (
        "results/fold-0/items.parquet",
        "results/fold-0/audio/x.flac",
        "answers/x/a.json",
        "answers/x/b.json",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    monkeypatch.chdir(tmp_path)
    assert list(members([tmp_path.relative_to(tmp_path) / "results/fold-0"], "run/")) == [
        "run/results/fold-0/items.parquet"
    ]
    assert [*members([(tmp_path / "answers").relative_to(tmp_path)], "")] == ["answers/x/a.json", "answers/x/b.json"]


def test_the_sources_are_those_that_git_tracks_with_or_without_git(tmp_path):
    base = tmp_path / "check out"
    for name in tracked():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, base / name)
    before = sources_sha256(base)
    for name in ("results/x.csv", "paper/numbers.tex", "paper/main.pdf", "paper/figures/f.csv", ".venv/x", "a.pyc"):
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text("made")
    assert source_files(base) == sorted(tracked())
    assert sources_sha256(base) == before and code_version(base) is None
    (base / "config.yaml").write_text("seed: 1\n")
    assert sources_sha256(base) != before


def test_the_text_of_an_archive_says_what_is_left_out():
    assert "- sound" in readme(ABOUT) and "# A title" in readme(ABOUT)
    assert "- nothing" in readme(ABOUT | {"left_out": []})
