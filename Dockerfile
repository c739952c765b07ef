# One image for the target, the attacker and the demo; the command chooses.
ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_PROGRESS_BAR=off PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python -m venv /opt/recleak
ENV PATH=/opt/recleak/bin:$PATH
COPY pyproject.toml constraints.txt ./
RUN --mount=type=cache,target=/root/.cache/pip <<'EOF'
set -eu
python - >/tmp/requirements.txt <<'PYTHON'
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
extras = project["optional-dependencies"]
print(*project["dependencies"], *extras["cluster"], *extras["postgres"], sep="\n")
PYTHON
pip install -c constraints.txt -r /tmp/requirements.txt
# what nobody runs here: the tests of other projects, headers, Arrow over a network (together 0.2 GB)
packages=$(python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
for package in dask distributed llvmlite numba numpy pandas pyarrow scipy; do
    find "$packages/$package" -type d -name tests -prune -exec rm -rf {} +
done
cd "$packages/pyarrow"
rm -rf include _flight.* libarrow_flight.* libarrow_python_flight.* _s3fs.* libarrow_s3.* _pyarrow_cpp_tests.*
EOF
RUN --mount=type=cache,target=/root/.cache/pip python -m venv /opt/tools \
    && /opt/tools/bin/pip install -c constraints.txt hatchling
COPY README.md LICENSE ./
COPY shared shared
COPY services services
COPY lab lab
COPY recleak recleak
COPY experiments experiments
RUN /opt/tools/bin/pip wheel --no-build-isolation --no-deps --wheel-dir /tmp/wheel . \
    && pip install --no-deps /tmp/wheel/recleak-*.whl \
    && pip check \
    && pip uninstall --yes --quiet pip

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="RecLeak" \
      org.opencontainers.image.description="Membership leakage of recommender systems: target and attacker" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 recleak \
    && useradd --uid 10001 --gid recleak --no-create-home --home-dir /var/lib/recleak --shell /usr/sbin/nologin recleak \
    && install -d -o recleak -g recleak /var/lib/recleak
COPY --from=build --link /opt/recleak /opt/recleak
ENV PATH=/opt/recleak/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    NUMBA_CACHE_DIR=/var/lib/recleak/compiled \
    HEALTH_URL=http://127.0.0.1:8001/health/ready
USER recleak
WORKDIR /var/lib/recleak
VOLUME /var/lib/recleak
EXPOSE 8001 8002
HEALTHCHECK --interval=5s --timeout=5s --start-period=120s --retries=6 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(os.environ['HEALTH_URL'], timeout=4)"]
CMD ["recleak", "serve", "target", "--host", "0.0.0.0", "--port", "8001"]
