#!/usr/bin/env bash
# Make requirements.txt anew from requirements.in in a throw-away virtual environment: torch first,
# so that nothing that depends on it can bring another build; then every package with its version.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
torch=$(grep '^torch==' requirements.in)
echo "$torch" >"$folder/constraint.txt"
export PIP_CONSTRAINT="$folder/constraint.txt"
"$folder/venv/bin/pip" install --quiet "$torch"
"$folder/venv/bin/pip" install --quiet -r requirements.in
{
    echo "# Complete lock of requirements.in, made by envs/lock.sh; torch first, see CONTRIBUTING.md."
    echo "$torch"
    "$folder/venv/bin/pip" freeze --exclude torch
} >"$folder/requirements.txt"
mv "$folder/requirements.txt" requirements.txt
"$folder/venv/bin/python" envs/write_envs.py
