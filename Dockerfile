# dfscan with its worker; compose.yaml runs the scanner and the workers from it.
FROM python:3.12-slim

WORKDIR /app
COPY . .
RUN pip install --no-cache-dir -c constraints.txt '.[worker,provenance,raw,video,postgres,redis]' \
    && useradd --uid 10001 --create-home dfscan \
    && install -d -o dfscan -g dfscan -m 700 /data
USER dfscan
ENV DFSCAN_DATA_DIR=/data
# The backbone of the default detector, for the volumes that begin as copies of /data. Without it `lite` scans, and says so.
RUN dfscan model fetch clip-vit-b-16 --quiet || true
VOLUME /data
STOPSIGNAL SIGTERM
ENTRYPOINT ["dfscan"]
