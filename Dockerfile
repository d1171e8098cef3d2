# dfscan with its worker; compose.yaml runs the scanner and the workers from it.
# PYTHON_IMAGE names the base, best by digest (docs/deploy.md).
ARG PYTHON_IMAGE=python:3.12-slim
FROM ${PYTHON_IMAGE}

WORKDIR /app
COPY . .
# Everything by its hash, uv itself, too.
RUN sed -n '/^uv==/,/[^\\]$/p' hashes.txt > /tmp/uv.txt \
    && pip install --no-cache-dir --require-hashes -r /tmp/uv.txt \
    && uv pip install --system --no-cache -c hashes.txt --build-constraints hashes.txt \
        '.[worker,provenance,raw,video,postgres,redis]' \
    && useradd --uid 10001 --create-home dfscan \
    && install -d -o dfscan -g dfscan -m 700 /data
USER dfscan
ENV DFSCAN_DATA_DIR=/data
# The backbone of the default detector, for the volumes that begin as copies of /data. Without it `lite` scans, and says so.
RUN dfscan model fetch clip-vit-b-16 --quiet || true
VOLUME /data
STOPSIGNAL SIGTERM
ENTRYPOINT ["dfscan"]
