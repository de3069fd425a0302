"""The metadata of an archive: an RO-Crate 1.1 of the profile Workflow Run RO-Crate 0.5, as JSON-LD."""

from collections.abc import Mapping
from typing import Any

CRATE = "ro-crate-metadata.json"
CONTEXT = ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"]
WORKFLOW_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    WORKFLOW_CRATE: ("Workflow RO-Crate", "1.0"),
}
TEXT, CODE = "https://creativecommons.org/licenses/by/4.0/", "https://spdx.org/licenses/MIT"
LICENCES = {TEXT: "Creative Commons Attribution 4.0 International", CODE: "MIT License"}
PARAMETER = "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"
WORKFLOW = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
SNAKEFILE, CONFIG, PAPER = "code/Snakefile", "archive.json", "products/paper/main.pdf"
FORMATS = {
    "csv": "text/csv",
    "html": "text/html",
    "json": "application/json",
    "jsonl": "application/jsonl",
    "md": "text/markdown",
    "ipynb": "application/x-ipynb+json",
    "parquet": "application/vnd.apache.parquet",
    "pdf": "application/pdf",
    "png": "image/png",
    "py": "text/x-python",
    "smk": "text/x-python",
    "svg": "image/svg+xml",
    "tex": "application/x-tex",
    "txt": "text/plain",
    "yaml": "application/yaml",
}


def crate(
    files: Mapping[str, tuple[int, str]], about: dict[str, Any], citation: dict[str, Any], licences: Mapping[str, str]
) -> dict[str, Any]:
    """Return the JSON-LD of an archive.

    Args:
        files: Bytes and SHA-256 of every file by its name, but for the metadata and the list of sums.
        about: ``name``, ``description`` and ``snakemake`` (its version) of the run; ``version`` of the code or None.
        citation: CITATION.cff.
        licences: Licence of each corpus of the run, by its name.
    """
    authors = [_author(entry, number) for number, entry in enumerate(citation["authors"])]
    by = [{"@id": author["@id"]} for author in authors]
    made = sorted(name for name in files if name.startswith(("run/", "products/", "answers/")))
    papers = [name for name in made if name.startswith("products/paper/") and name.endswith(".pdf")]
    papers = [name for name in papers if "/figures/" not in name]
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": about["name"],
        "description": about["description"],
        "datePublished": str(citation["date-released"]),
        "license": {"@id": TEXT},
        "author": by,
        "publisher": by[:1],
        "conformsTo": _ids(PROFILES),
        "mainEntity": {"@id": SNAKEFILE},
        "mentions": {"@id": "#run"},
        "citation": _ids(entry["url"] for entry in citation.get("references", [])),
        "hasPart": _ids(sorted(files)),
    }
    run = {
        "@id": "#run",
        "@type": "CreateAction",
        "name": f"Run of {about['name']}",
        "description": "From the configuration to the tables, figures, numbers and paper, and the answers of models.",
        "instrument": {"@id": SNAKEFILE},
        "agent": by,
        "object": [{"@id": CONFIG}],
        "result": _ids(made),
        "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"},
    }
    descriptor = {
        "@id": CRATE,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": _ids(["https://w3id.org/ro/crate/1.1", WORKFLOW_CRATE]),
    }
    graph = [descriptor, root, run, *_parameters(papers), _language(about["snakemake"]), *authors]
    graph += [_file(name, *files[name]) for name in sorted(files)]
    workflow = next(entity for entity in graph if entity["@id"] == SNAKEFILE)
    workflow |= _workflow(about, by, papers)
    next(entity for entity in graph if entity["@id"] == "README.md")["about"] = {"@id": "./"}
    graph += [
        {"@id": url, "@type": "CreativeWork", "name": name, "version": version}
        for url, (name, version) in PROFILES.items()
    ]
    graph += [{"@id": url, "@type": "CreativeWork", "name": name} for url, name in LICENCES.items()]
    graph += [
        {"@id": entry["url"], "@type": "ScholarlyArticle", "name": entry["title"]}
        for entry in citation.get("references", [])
    ]
    graph += [
        {"@id": f"#corpus-{name}", "@type": "Dataset", "name": f"corpus {name}", "usageInfo": licence}
        for name, licence in licences.items()
    ]
    return {"@context": CONTEXT, "@graph": [{key: _single(value) for key, value in one.items()} for one in graph]}


def _ids(names: Any) -> list[dict[str, str]]:
    return [{"@id": name} for name in names]


def _single(value: Any) -> Any:
    """Return the entry of a list of one, as the recommendations on JSON-LD have it; any other value as it is."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _author(entry: dict[str, Any], number: int) -> dict[str, Any]:
    name = entry.get("name") or f"{entry.get('given-names', '')} {entry.get('family-names', '')}".strip()
    kind = "Organization" if "name" in entry else "Person"
    return {"@id": entry.get("orcid") or f"#author-{number}", "@type": kind, "name": name}


def _file(name: str, size: int, sha256: str) -> dict[str, Any]:
    kind = FORMATS.get(name.rpartition(".")[2], "application/octet-stream" if name.endswith(".gz") else "text/plain")
    entity = {"@id": name, "@type": "File", "name": name, "contentSize": str(size), "sha256": sha256}
    entity["encodingFormat"] = kind
    return entity | ({"license": {"@id": CODE}} if name.startswith("code/workflow/") else {})


def _workflow(about: dict[str, Any], by: list[dict[str, str]], papers: list[str]) -> dict[str, Any]:
    """Return what the entity of the Snakefile has in addition to that of a file."""
    entity = {
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": "scaling-ambiguity",
        "programmingLanguage": {"@id": "#snakemake"},
        "conformsTo": {"@id": WORKFLOW},
        "license": {"@id": CODE},
        "author": by,
        "input": [{"@id": "#configuration"}],
        "output": _ids(f"#{name}" for name in papers),
    }
    return entity | ({"version": about["version"]} if about.get("version") else {})


def _parameters(papers: list[str]) -> list[dict[str, Any]]:
    """Return the formal parameters of the workflow: the configuration in, the paper out."""
    examples = {"#configuration": CONFIG} | {f"#{name}": name for name in papers}
    return [
        {
            "@id": key,
            "@type": "FormalParameter",
            "additionalType": "File",
            "conformsTo": {"@id": PARAMETER},
            "name": example.rpartition("/")[2],
            "workExample": {"@id": example},
        }
        for key, example in examples.items()
    ]


def _language(version: str) -> dict[str, Any]:
    return {
        "@id": "#snakemake",
        "@type": "ComputerLanguage",
        "name": "Snakemake",
        "identifier": "https://w3id.org/workflowhub/workflow-ro-crate#snakemake",
        "url": "https://snakemake.github.io",
        "version": version,
    }
