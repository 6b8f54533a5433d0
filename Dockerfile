# syntax=docker/dockerfile:1
# Two stages: the first installs the locked, hashed dependencies; the second has only what runs.
# The file system can be read-only: Dynamo writes to /data alone (its SQLite database).
FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements/runtime.txt requirements/runtime.txt
RUN python -m venv /opt/dynamo \
 && /opt/dynamo/bin/pip install --no-cache-dir --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md ./
COPY bot bot
COPY commands commands
COPY config config
RUN site="$(/opt/dynamo/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
 && cp -r bot commands config "$site"/ \
 && /opt/dynamo/bin/python -m compileall -q "$site"

FROM python:3.13-slim
# git and ssh fetch the sources of what is built; building itself is the Docker Engine's.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends git openssh-client \
 && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin dynamo \
 && install -d -o 10001 -g 10001 /data
COPY --from=build /opt/dynamo /opt/dynamo
COPY config /config
USER 10001:10001
WORKDIR /data
VOLUME /data
ENV PATH=/opt/dynamo/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DYNAMO_CONFIG=/config/dynamo.yml \
    DYNAMO_DATABASE=sqlite:////data/dynamo.db \
    DYNAMO_HOST=0.0.0.0 \
    DYNAMO_PORT=3000
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:3000/healthz', timeout=2)"]
ENTRYPOINT ["python", "-m", "bot"]
CMD ["run"]
