# syntax=docker/dockerfile:1
# Which registry and which package index are used is up to whoever builds. Pin the digest of the
# base image there, too:  docker build --build-arg BASE=python:3.11.13-slim-bookworm@sha256:… .
ARG BASE=python:3.11.13-slim-bookworm

FROM ${BASE} AS build
# `tracing` brings OpenTelemetry, too.
ARG LOCK=runtime
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv --without-pip /opt/venv
# The lock alone first: code changes do not install all packages anew.
COPY requirements/${LOCK}.txt /src/lock.txt
RUN pip --python /opt/venv/bin/python install \
      --require-hashes --no-deps --only-binary :all: --requirement /src/lock.txt
COPY stream_app /opt/venv/lib/python3.11/site-packages/stream_app
# The root file system is read-only at run time, so compile here.
RUN /opt/venv/bin/python -m compileall -q /opt/venv/lib && \
    /opt/venv/bin/python -m stream_app --version

FROM ${BASE}
RUN groupadd --gid 10001 worker && \
    useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin worker && \
    install --directory --owner 10001 --group 10001 /var/lib/cg-trans-03
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    CG_TRANS_03_METRICS_HOST=0.0.0.0
USER 10001:10001
WORKDIR /var/lib/cg-trans-03
EXPOSE 9464
# For plain Docker; Kubernetes has probes of its own. Alive, not ready: a recovery may take long.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:9464/livez', timeout=4)"]
# Exec form, so that SIGTERM reaches the worker: it finishes its batch, commits and exits 0.
ENTRYPOINT ["python", "-m", "stream_app"]
CMD ["worker"]
