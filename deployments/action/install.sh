#!/usr/bin/env bash
# Install the checkout at ACTION_PATH into an environment of its own in RUNNER_TEMP: only files whose hashes are locked.
# Python runs isolated (-I), because the working directory holds the code of whoever made the pull request.
set -euo pipefail
environment="$RUNNER_TEMP/cardiograph-action"
"${INPUT_PYTHON:-python3}" -I -m venv "$environment"
install=("$environment/bin/python" -I -m pip install --quiet --disable-pip-version-check --no-deps)
"${install[@]}" --require-hashes --requirement "$ACTION_PATH/locks/run.txt"
"${install[@]}" --no-index --no-build-isolation "$ACTION_PATH"
