#!/bin/bash
# Becomes the parent of a systemd in namespaces and a control group of its own.
set -eu
mkdir "$CGROUP"
echo $$ >"$CGROUP/cgroup.procs"
exec unshare --fork --pid --mount --uts --ipc --cgroup --net --kill-child "$(dirname "$0")/boot.sh"
