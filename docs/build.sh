#!/usr/bin/env bash
# Build the documentation site in site/ with the packages of docs/requirements.txt, in an environment of its own.
# A warning, such as a link that leads nowhere, is an error.
set -euo pipefail
cd "$(dirname "$0")/.."

stamp=.venv-docs/installed.sha256
wanted=$(sha256sum docs/requirements.txt)
if [ ! -x .venv-docs/bin/python ] || [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    printf 'docs: installing the packages of docs/requirements.txt into .venv-docs\n'
    [ -x .venv-docs/bin/python ] || "${PYTHON:-python3}" -m venv .venv-docs
    rm -f "$stamp"
    .venv-docs/bin/python -m pip install --quiet --disable-pip-version-check -r docs/requirements.txt
    printf '%s' "$wanted" >"$stamp"
fi
exec .venv-docs/bin/python -m sphinx -W --keep-going --nitpicky --quiet -b html docs site
