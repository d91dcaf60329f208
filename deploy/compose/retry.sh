#!/bin/sh
# retry.sh COMMAND ...: runs it again while its service is unavailable (exit code 69), for about two minutes.
# Any other failure is a mistake that waiting does not mend. depends_on alone is not enough: some engines ignore its
# conditions.
set -u

attempt=1
while true; do
    "$@"
    code=$?
    if [ "$code" -ne 69 ] || [ "$attempt" -ge 60 ]; then
        exit "$code"
    fi
    attempt=$((attempt + 1))
    sleep 2
done
