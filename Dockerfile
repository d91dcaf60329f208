# Two small images from one file, each with one program and what it needs:
#
#   docker build --target server --tag firmtrail-server .
#   docker build --target agent --tag firmtrail-agent .
#
# A tag can be moved. For a build that is the same in a year, pin the base by its digest:
#   --build-arg PYTHON_IMAGE=docker.io/library/python:3.13-slim-trixie@sha256:...
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim-trixie

# ---- every wheel, verified and built once
FROM ${PYTHON_IMAGE} AS wheels
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python -m venv tools
COPY requirements-image.lock .
# The one step that fetches: each file must have a hash of the lock, and none may run code to build itself.
RUN tools/bin/pip download --quiet --require-hashes --no-deps --only-binary=:all: --dest wheels -r requirements-image.lock
COPY packages packages
RUN tools/bin/pip install --quiet --no-index --find-links wheels hatchling \
    && tools/bin/pip wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir wheels ./packages/*

# ---- an environment for each program: --no-index takes from the verified wheels alone, and from those only what the
# program needs, so neither the embedded PostgreSQL nor the build tools come along
FROM wheels AS server-environment
# vault and aws (34 MB) read secrets from there; add arrow for exports as Arrow and Parquet: it doubles the image
ARG SERVER_EXTRAS=[vault,aws]
RUN python -m venv --without-pip /opt/firmtrail \
    && tools/bin/pip --python /opt/firmtrail install --quiet --no-index --no-compile --find-links wheels "firmtrail-server${SERVER_EXTRAS}" \
    && python -m compileall -q --invalidation-mode unchecked-hash /opt/firmtrail/lib

FROM wheels AS agent-environment
RUN python -m venv --without-pip /opt/firmtrail \
    && tools/bin/pip --python /opt/firmtrail install --quiet --no-index --no-compile --find-links wheels firmtrail-agent \
    && python -m compileall -q --invalidation-mode unchecked-hash /opt/firmtrail/lib

# ---- what both images run on
FROM ${PYTHON_IMAGE} AS runtime
# Writes the bytecode that the base image leaves out of the standard library: on a read-only file system every start,
# the health check's included, would compile it again.
RUN python -m compileall -q --invalidation-mode unchecked-hash -x site-packages \
        "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
    && groupadd --gid 10001 firmtrail \
    && useradd --uid 10001 --gid 10001 --no-log-init --no-create-home --shell /usr/sbin/nologin firmtrail \
    && install --directory --owner=10001 --group=10001 --mode=0700 /home/firmtrail
ENV PATH=/opt/firmtrail/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1
LABEL org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.vendor="Firmtrail"

FROM runtime AS agent
LABEL org.opencontainers.image.title="firmtrail-agent" \
      org.opencontainers.image.description="Reports the firmware versions a device runs."
COPY --from=agent-environment /opt/firmtrail /opt/firmtrail
# What is mounted over the second as a tmpfs takes over its mode, but not its owner.
RUN install --directory --owner=10001 --group=10001 --mode=0700 /etc/firmtrail-agent /var/lib/firmtrail-agent \
    && install --directory --mode=1777 /run/firmtrail-agent
USER 10001:10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["firmtrail-agent"]
CMD ["run"]

FROM runtime AS server
LABEL org.opencontainers.image.title="firmtrail-server" \
      org.opencontainers.image.description="What every device runs, and what it ran: the server."
COPY --from=server-environment /opt/firmtrail /opt/firmtrail
RUN install --directory --owner=10001 --group=10001 --mode=0700 /etc/firmtrail-server
USER 10001:10001
ENV FIRMTRAIL_HOST=0.0.0.0 FIRMTRAIL_PORT=8080
EXPOSE 8080
STOPSIGNAL SIGTERM
# Asks whether the process answers, not whether its database does (/readyz says that): a restart mends only the first.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "from os import environ as e; from urllib.request import urlopen as get; get(f'http://127.0.0.1:{e[\"FIRMTRAIL_PORT\"]}/healthz', timeout=4)"]
ENTRYPOINT ["firmtrail-server"]
CMD ["serve"]
