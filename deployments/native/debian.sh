#!/bin/sh
# Debian's packages that `deployments.native` stands on, installed where they are missing. Their own services are not
# started: the topology starts its own, on its own ports, in its own folder.
set -eu

missing=""
[ -n "$(ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null || command -v initdb || true)" ] || missing="$missing postgresql"
command -v redis-server >/dev/null || missing="$missing redis-server"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "Install what is missing, then run again:$missing (as root on Debian: apt-get install$missing)" >&2
  exit 1
fi

policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap 'rm -f $policy' EXIT
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod 755 $policy
fi
apt-get update --quiet=2
# The list of packages is meant to be split.
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends $missing
