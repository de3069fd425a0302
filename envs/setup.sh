#!/usr/bin/env bash
# Make this machine ready, or say within seconds what is missing:
#   1. the system programs that pip cannot bring (espeak-ng, a minimal TeX with latexmk);
#   2. a virtual environment, .venv, from the complete lock in requirements.txt.
# apt is used only where it may be (Debian or Ubuntu, root or passwordless sudo). SA_APT=off forbids it.
set -euo pipefail
cd "$(dirname "$0")/.."

apt_packages=(
    espeak-ng latexmk texlive-latex-base texlive-latex-recommended texlive-latex-extra
    texlive-science texlive-publishers texlive-fonts-recommended
)

fail() {
    printf 'set-up: %s\n' "$@" >&2
    exit 1
}

python=${PYTHON:-python3}
command -v "$python" >/dev/null || fail "python3 is missing; install python 3.11 or newer."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$python" --version) is too old; python 3.11 or newer is needed (set PYTHON=python3.11, say)."

missing=()
command -v espeak-ng >/dev/null || missing+=("espeak-ng (voices of the demo)")
command -v latexmk >/dev/null || missing+=("latexmk (the PDF)")
command -v pdflatex >/dev/null || missing+=("pdflatex (the PDF)")
if command -v kpsewhich >/dev/null; then
    for style in IEEEtran.cls adjustbox.sty booktabs.sty microtype.sty; do
        kpsewhich "$style" >/dev/null || missing+=("$style (LaTeX)")
    done
fi
"$python" -c 'import ensurepip, venv' 2>/dev/null || missing+=("python venv (package python3-venv)")

if ((${#missing[@]})); then
    if [ "$(id -u)" = 0 ]; then sudo=(); else sudo=(sudo -n); fi
    if [ "${SA_APT:-auto}" != off ] && command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then
        printf 'set-up: installing with apt: %s\n' "${missing[*]}"
        "$python" -c 'import ensurepip, venv' 2>/dev/null || apt_packages+=(python3-venv)
        "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
        "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            "${apt_packages[@]}" >/dev/null
    else
        fail "missing on this machine:" "${missing[@]/#/  - }" \
            "apt may not be used here (not Debian/Ubuntu, or neither root nor passwordless sudo, or SA_APT=off)." \
            "Bring them with conda, then run make again in that environment:" \
            "  conda create -n scaling-ambiguity -c conda-forge python=3.11 espeak-ng texlive-core latexmk make git" \
            "  conda activate scaling-ambiguity" \
            "or ask an administrator for: apt-get install ${apt_packages[*]}"
    fi
fi

stamp=.venv/installed.sha256
wanted=$(sha256sum requirements.txt)
if [ ! -x .venv/bin/python ] || [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    printf 'set-up: installing the packages of requirements.txt into .venv\n'
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    rm -f "$stamp"
    torch=$(grep '^torch==' requirements.txt)
    # A constraint by URL: the variable is split at blanks, so a path with a space must be quoted.
    PIP_CONSTRAINT=$("$python" -c 'import pathlib; print(pathlib.Path("requirements.txt").resolve().as_uri())')
    export PIP_CONSTRAINT PIP_DISABLE_PIP_VERSION_CHECK=1
    .venv/bin/python -m pip install -qq "$torch"
    .venv/bin/python -m pip install -qq -r requirements.txt
    printf '%s' "$wanted" >"$stamp"
fi
