#!/usr/bin/env bash
# A judge model on a GPU, from its speed to whether it judges at all:
#
#     benchmarks/judge_gpu.sh [MODEL] [FOLDER]
#
# speed      cards per second of an 8B model in FP8 with our prompts over cards of real length, compared with the raw
#            engine on the same prompts and with the roofline of the matrix unit. The weights are dummies: they do not
#            affect the speed, and the machine needs no account.
# With a MODEL (a folder, or a name on the Hub), a server with it does all the rest:
# canaries   whether it orders cards of known quality
# snapshot   it judges 200 cards of the demo and explains 8 of them
# passport   what it notices in edited cards, without labels
# ways       ways of asking it, compared
#
# What each step prints is in FOLDER (default: judge-gpu), and how each ended in FOLDER/steps.tsv: a judge that does not
# judge fails `canaries` and `snapshot`, and the other steps run all the same. The exit code is 1 if any step failed.
#
# Needs an NVIDIA GPU, Python 3.11-3.13 and a package index. It makes both environments with make, or uses those that
# CARDIOGRAPH_PYTHON (with this project installed) and CARDIOGRAPH_JUDGE_PYTHON (vLLM) name. With JUDGE_GPU_ON_CPU=1 the
# same steps run on a CPU, with a tiny architecture for the speed and a few cards.
set -euo pipefail
cd "$(dirname "$0")/.."
model=${1:-}
folder=${2:-judge-gpu}
mkdir -p "$folder"
home=$folder/home

if [ "${JUDGE_GPU_ON_CPU:-}" ]; then
  speed=(--architecture tiny --cards 20 --rounds 1)
  cards=24 explained=2 texts=3 ways=(--cards 4 --again 2 --tokens 200)
else
  speed=(--architecture qwen3-8b --cards 400 --rounds 2)
  cards=200 explained=8 texts=40 ways=(--cards 60 --again 20 --tokens 2000)
fi

# A step fails on its own: what it printed and its exit code are kept, and the next one runs.
step() {
  local name=$1 code=0
  shift
  echo "== $name: $*"
  "$@" 2>&1 | tee "$folder/$name.txt" || code=${PIPESTATUS[0]}
  printf '%s\t%s\n' "$name" "$code" >>"$folder/steps.tsv"
}

steps_with_a_server() {
  local judge=(--judge vllm --judge-url "$JUDGE_URL") cardiograph=("$CARDIOGRAPH_PYTHON" -m flows.cli)
  step canaries "$CARDIOGRAPH_PYTHON" -m benchmarks.judge_canaries "$JUDGE_URL"
  # Judged whatever the canaries say, because the passport and the gate have something to say about it too.
  CARDIOGRAPH_JUDGE_CANARIES=warn step snapshot "${cardiograph[@]}" snapshot --hub demo --sample "$cards" \
    --embedder none --home "$home" --explain "$explained" "${judge[@]}"
  step passport "${cardiograph[@]}" passport --home "$home" --texts "$texts" "${judge[@]}"
  step ways "$CARDIOGRAPH_PYTHON" -m benchmarks.judge_ways "$JUDGE_URL" --name "$(basename "$model")" "${ways[@]}"
}

if [ "${JUDGE_URL:-}" ]; then  # called again below, once the server is up
  steps_with_a_server
  exit
fi

if [ -z "${JUDGE_GPU_ON_CPU:-}" ]; then
  command -v nvidia-smi >/dev/null || { echo "judge_gpu.sh: no NVIDIA GPU here (no nvidia-smi)" >&2; exit 1; }
  nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader
fi
if [ -z "${CARDIOGRAPH_PYTHON:-}" ]; then
  make setup
  CARDIOGRAPH_PYTHON=.venv/bin/python
fi
if [ -z "${CARDIOGRAPH_JUDGE_PYTHON:-}" ]; then
  make judge-env
  CARDIOGRAPH_JUDGE_PYTHON=.venv-judge/bin/python
fi
export CARDIOGRAPH_PYTHON CARDIOGRAPH_JUDGE_PYTHON

rm -f "$folder/steps.tsv"
step speed "$CARDIOGRAPH_PYTHON" benchmarks/judge.py "${speed[@]}"
if [ "$model" ]; then
  "$CARDIOGRAPH_PYTHON" -m benchmarks.served "$model" "$folder/judge.log" "$0" "$model" "$folder" ||
    printf 'server\t%s\n' "$?" >>"$folder/steps.tsv"
fi
echo "== how the steps ended (0: well)"
cat "$folder/steps.tsv"
! awk '$2 != 0 { failed = 1 } END { exit !failed }' "$folder/steps.tsv"
