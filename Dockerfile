# reconciler as an image, for GitLab, Kubernetes, and wherever else containers run:
#
#   docker build --tag registry.example.com/reconciler:0.1.0 "https://github.com/OWNER/reconciler.git#v0.1.0"
#
# The packages are those of requirements.txt, held by their hashes. The base is held by its version; to hold it by its
# digest, ask for that once, and build with it (the tag may stay in front, for people):
#
#   docker buildx imagetools inspect python:3.13.14-slim-trixie
#   docker build --build-arg BASE=python:3.13.14-slim-trixie@sha256:… …
ARG BASE=python:3.13.14-slim-trixie

FROM ${BASE} AS build
WORKDIR /src
RUN python -m venv /opt/reconciler
ENV PATH=/opt/reconciler/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.txt ./
RUN pip install --require-hashes --only-binary :all: --requirement requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY reconciler reconciler
COPY desired desired
RUN pip install --no-index --no-deps --no-build-isolation .

FROM ${BASE}
# For pipelines: git, also in a tree that belongs to another user; ssh-keygen, which verifies approvals; jq and curl.
# Versions are not pinned: Debian takes a version away as soon as there is a newer one.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl git jq openssh-client \
    && rm -rf /var/lib/apt/lists/* \
    && git config --system --add safe.directory '*' \
    && useradd --uid 10001 --create-home reconciler
COPY --from=build /opt/reconciler /opt/reconciler
ENV PATH=/opt/reconciler/bin:$PATH
# By number: Kubernetes tells by it that this is not root.
USER 10001:10001
WORKDIR /work
ENTRYPOINT ["reconciler"]
CMD ["--help"]
