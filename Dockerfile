# Pollard as an image. As root, in a copy of this repository:
#
#   docker build -t pollard .
#   install -D -m 0640 -g 9473 config/pollard.yaml /etc/pollard/pollard.yaml    # set loki.url
#   docker run -d --name pollard --hostname "$(hostname)" --restart unless-stopped --stop-timeout 60 \
#     --read-only --cap-drop ALL --security-opt no-new-privileges \
#     --group-add "$(stat -c %g /var/run/docker.sock)" \
#     -v /var/run/docker.sock:/var/run/docker.sock:ro \
#     -v /etc/pollard:/etc/pollard:ro -v pollard:/var/lib/pollard \
#     pollard
#
# --hostname is the label `host` of every line, if collector.host is not set. --group-add is the group of the Docker
# socket. In the container, 127.0.0.1 is the container itself: loki.url must name a host that it reaches.
#
# `:ro` keeps the container from replacing the socket, not from using it. To allow nothing but reading, put a
# socket proxy in between: config/compose/compose.socket-proxy.yaml.
#
# The socket is mounted, and not its folder: /run holds the sockets of containerd, systemd and others as well. The
# mounted file stays good when the daemon restarts under systemd, whose docker.socket keeps it, and the container is
# restarted with the daemon unless live-restore is on. With live-restore and without docker.socket, mount the folder:
# -v /run:/host/run:ro -e DOCKER_HOST=unix:///host/run/docker.sock.

# glibc on purpose: the prebuilt snappy and file lock are used as they come, nothing is compiled here.
ARG NODE_IMAGE=node:20-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /opt/pollard
COPY package.json package-lock.json ./
RUN npm ci --include=dev --no-audit --no-fund
COPY tsconfig.json .esbuild.mjs ./
COPY bin bin
COPY src src
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="pollard" \
      org.opencontainers.image.description="The Docker-to-Loki log collector that cannot leak, because it never holds a stream" \
      org.opencontainers.image.licenses="MIT"

# A uid of its own: 1000, the image's user node, is a person on many hosts. A new named volume takes owner and
# mode from here.
RUN groupadd --gid 9473 pollard \
 && useradd --uid 9473 --gid pollard --no-create-home --home-dir /var/lib/pollard --shell /usr/sbin/nologin pollard \
 && install -d -o pollard -g pollard -m 0700 /var/lib/pollard \
 && rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn-* \
      /usr/local/bin/yarn /usr/local/bin/yarnpkg

WORKDIR /opt/pollard
COPY --from=build /opt/pollard/package.json ./
COPY --from=build /opt/pollard/node_modules node_modules
COPY --from=build /opt/pollard/dist dist
COPY LICENSE ./

ENV NODE_ENV=production
USER pollard
VOLUME /var/lib/pollard

# A young generation of 4 MiB a half: V8 alone would let it grow to 48 MiB, and for nothing.
# No shell in between: SIGTERM reaches Pollard itself, which flushes, commits and ends.
ENTRYPOINT ["node", "--max-semi-space-size=4", "/opt/pollard/dist/bin/pollard.js"]
CMD ["run"]

# 503 only when unhealthy; a degraded collector still collects. With a token, TLS or another port in `status`,
# replace the test by ["CMD", "node", "/opt/pollard/dist/bin/pollard.js", "status"], which reads the configuration.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9473/healthz',{signal:AbortSignal.timeout(4000)}).then((a)=>process.exit(a.ok?0:1),()=>process.exit(1))"]
