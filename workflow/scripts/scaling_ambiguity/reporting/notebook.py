"""Notebooks executed as programs: parameters in, notebook, HTML and verdicts out, bytes that depend on the results."""

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import DictLoader
from nbconvert import HTMLExporter

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import write_json

# nbconvert always loads its diagram library from the network; no notebook here draws such diagrams.
DIAGRAMS = re.compile(r'<script type="module">(?:(?!</script>).)*mermaid(?:(?!</script>).)*</script>', re.DOTALL)
# The template of nbconvert with code folded: a reader follows text, tables and verdicts, and opens what is asked about.
FOLDED = """{% extends 'lab/index.html.j2' %}
{% block input_group %}<details class="code"><summary>code</summary>{{ super() }}</details>{% endblock input_group %}
"""
# Variables of Jupyter that name folders.
PRIVATE = ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_PATH", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR")
TRANSIENT = ("papermill", "execution", "ExecuteTime")


def execute(notebook: Path, parameters: dict[str, Any]) -> nbformat.NotebookNode:
    """Run ``notebook`` with ``parameters`` in the current folder and return it with its outputs.

    Raises:
        UserError: The notebook does not exist or a cell fails; the message holds the cell's error.
    """
    if not notebook.is_file():
        raise UserError(f"{notebook}: no such notebook.")
    # The kernel is a separate process: it finds the library through the environment.
    library = str(Path(__file__).resolve().parents[2])
    os.environ["PYTHONPATH"] = os.pathsep.join([library, *filter(None, [os.environ.get("PYTHONPATH")])])
    with tempfile.TemporaryDirectory() as private:
        # Settings of a site or login script affect neither the kernel nor its startup.
        os.environ |= dict.fromkeys(PRIVATE, private) | {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}
        for variable in ("MPLBACKEND", "PYTHONSTARTUP"):
            os.environ.pop(variable, None)
        kernel = install_kernel(Path(private))
        import papermill
        from papermill.exceptions import PapermillExecutionError

        try:
            executed = papermill.execute_notebook(
                str(notebook),
                f"{private}/executed.ipynb",
                parameters=parameters,
                kernel_name=kernel,
                progress_bar=False,
            )
        except PapermillExecutionError as error:
            raise UserError(f"{notebook}: cell {error.exec_count} failed with {error.ename}: {error.evalue}") from error
    return executed


def install_kernel(folder: Path) -> str:
    """Write a kernel of the python that runs below ``folder``, a folder of JUPYTER_PATH, and return its name."""
    kernel = folder / "kernels" / "python3"
    kernel.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    write_json({"argv": argv, "display_name": "Python 3", "language": "python"}, kernel / "kernel.json")
    return kernel.name


def settle(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Remove parts that change from run to run (times, random cell ids) and return the notebook."""
    for name in TRANSIENT:
        notebook.metadata.pop(name, None)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
        for name in TRANSIENT:
            cell.metadata.pop(name, None)
    return notebook


def to_html(notebook: nbformat.NotebookNode, title: str) -> str:
    """Return the notebook as one HTML page that needs no network, its code folded."""
    urls = dict.fromkeys(("mathjax_url", "require_js_url", "jquery_url", "widget_renderer_url"), "")
    exporter = HTMLExporter(
        extra_loaders=[DictLoader({"folded.html.j2": FOLDED})], template_file="folded.html.j2", **urls
    )
    html, _ = exporter.from_notebook_node(notebook, resources={"metadata": {"name": title, "path": ""}})
    return DIAGRAMS.sub("", html)
