# docker build -t gatewright .                   the server: sign-in and accounts (gatewright serve)
# docker build -t gatewright-blog --target blog . the reference API on it
#
# Both bases by digest: the tag says for people what the digest says for machines. Node.js is the version that
# package.json brings for development and tests (test/containers/dockerfile.test.ts holds them together).
ARG NODE_IMAGE=docker.io/library/node:26.10.0-trixie-slim@sha256:ec7758ee051e457b468b32bde57b0879010b325bb9862718e9615225ce4aaae1
ARG BASE_IMAGE=docker.io/library/debian:13.7-slim@sha256:a99cfc517144bc59b1978475ec53b46ecabec7e43635402ee5b77cc54cd1b20a

# The manifests alone: what is installed after them is kept until one of them changes.
FROM ${NODE_IMAGE} AS manifests
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
COPY packages/gatewright/package.json packages/gatewright/
COPY packages/verifier/package.json packages/verifier/
COPY apps/blog/package.json apps/blog/
COPY apps/console/package.json apps/console/
COPY deploy/container/slim-modules.sh ./

# Only what runs, without the scripts that packages bring, and without what nobody reads there.
FROM manifests AS gatewright-modules
RUN npm ci --ignore-scripts --omit=dev --workspace=gatewright \
 && sh slim-modules.sh \
 && rm -rf node_modules/gatewright node_modules/.package-lock.json

FROM manifests AS blog-modules
RUN npm ci --ignore-scripts --omit=dev --workspace=@gatewright/blog --workspace=gatewright \
 && sh slim-modules.sh \
 && rm -rf node_modules/gatewright node_modules/@gatewright node_modules/.package-lock.json

# JavaScript, the console and the list of what is in the image; and Node.js with the one library that the base lacks.
FROM manifests AS build
RUN npm ci --ignore-scripts
COPY . .
RUN node tools/image-files.ts /image \
 && chmod -R u=rwX,go=rX /image
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN install -D /usr/local/bin/node /node/usr/local/bin/node \
 && mkdir -p /node/usr/local/lib \
 && ldd /usr/local/bin/node | awk '/libatomic/ { print $3 }' | xargs -r cp --dereference --target-directory=/node/usr/local/lib

# What both images have: no npm, no compiler, no program that gives anybody more rights.
FROM ${BASE_IMAGE} AS runtime
COPY --from=build /node /
RUN ldconfig \
 && find / -xdev -type f -perm /6000 -exec chmod a-s '{}' + \
 && groupadd --gid 10001 gatewright \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin gatewright \
 && install --directory --owner=10001 --group=10001 --mode=0700 /data \
 && ln -s /app/packages/gatewright/dist/cli/main.js /usr/local/bin/gatewright
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=3000 \
    DATABASE_URL=sqlite:/data/gatewright.db \
    SQLITE_TMPDIR=/data
# Nothing but /data is written, also what SQLite puts aside for a moment. `./data`, where the link for the first administrator goes with PostgreSQL as well, is /data.
WORKDIR /
VOLUME ["/data"]
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["node", "/app/health.ts"]
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.vendor="Gatewright" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/debian:13.7-slim"

FROM runtime AS blog
LABEL org.opencontainers.image.title="gatewright-blog" \
      org.opencontainers.image.description="The reference API on Gatewright: users, posts and todos behind the gate."
COPY --from=blog-modules /build/node_modules /app/node_modules
COPY --from=build /image/gatewright /image/blog /app/
USER 10001:10001
ENTRYPOINT ["node", "--max-semi-space-size=8", "/app/apps/blog/src/container.ts"]

FROM runtime AS gatewright
LABEL org.opencontainers.image.title="gatewright" \
      org.opencontainers.image.description="The gate of a REST API: who is calling, may they, how often, and taken back at once."
COPY --from=gatewright-modules /build/node_modules /app/node_modules
COPY --from=build /image/gatewright /app/
USER 10001:10001
ENTRYPOINT ["node", "--max-semi-space-size=8", "/usr/local/bin/gatewright"]
CMD ["serve"]
