#!/usr/bin/env bash
# The LLM judge on a GPU: cards per second of an 8B model in FP8 with our prompts over cards of real length, compared with
# the raw engine on the same prompts and with the roofline of the matrix unit. The weights are dummies: they do not
# affect the speed, and the machine needs no account.
#
#     benchmarks/judge_gpu.sh [OUTPUT.json] [options of benchmarks/judge.py]
#
# Needs an NVIDIA GPU, Python 3.11-3.13 and a package index. It makes both environments with make, or uses those that
# CARDIOGRAPH_PYTHON (with this project installed) and CARDIOGRAPH_JUDGE_PYTHON (vLLM) name.
set -euo pipefail
cd "$(dirname "$0")/.."
output=${1:-judge_gpu.json}
shift || true

command -v nvidia-smi >/dev/null || { echo "judge_gpu.sh: no NVIDIA GPU here (no nvidia-smi)" >&2; exit 1; }
nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader

if [ -z "${CARDIOGRAPH_PYTHON:-}" ]; then
  make setup
  CARDIOGRAPH_PYTHON=.venv/bin/python
fi
if [ -z "${CARDIOGRAPH_JUDGE_PYTHON:-}" ]; then
  make judge-env
  CARDIOGRAPH_JUDGE_PYTHON=.venv-judge/bin/python
fi
export CARDIOGRAPH_JUDGE_PYTHON

"$CARDIOGRAPH_PYTHON" benchmarks/judge.py --architecture qwen3-8b --cards 400 --rounds 2 "$@" | tee "$output"
