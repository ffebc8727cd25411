# syntax=docker/dockerfile:1
# proctord and proctor, on a small Debian, as a user without rights.
#
#   docker build -t proctor .
#   docker run -d --name proctor -v proctor:/run/proctor -v proctor-state:/var/lib/proctor proctor
#   docker exec proctor proctor run -- echo hello
#
# It listens on a unix socket in the volume /run/proctor and on no port; what it knows of
# processes and their ends is in the volume /var/lib/proctor, and outlives the container. For a
# port, mount certificates and say so:
#   docker run ... proctor --listen=0.0.0.0:7443 --tls-cert=... --tls-key=... --tls-client-ca=...
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${BASE} AS build
WORKDIR /src
COPY deploy/packages deploy/install-packages deploy/
RUN deploy/install-packages build
COPY . .
RUN cmake --preset release -DPROCTOR_BUILD_TESTS=OFF \
 && cmake --build --preset release --target proctord proctor \
 && install -D --strip --target-directory=/out build/release/bin/proctord build/release/bin/proctor
# The packages of the libraries that the two are linked to, whatever this release
# of the distribution calls them.
RUN mkdir debian && touch debian/control \
 && dpkg-shlibdeps -O -e/out/proctord -e/out/proctor \
  | sed -n 's/^shlibs:Depends=//p' | sed 's/([^)]*)//g; s/,/ /g' > /out/packages

FROM ${BASE}
COPY --from=build /out/packages /tmp/packages
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive xargs -a /tmp/packages \
    apt-get install -qq --yes --no-install-recommends tini \
 && rm -rf /tmp/packages /var/lib/apt/lists/* /var/cache/apt/* \
 && useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent \
    --shell /usr/sbin/nologin proctor \
 && install -d -o proctor -g proctor -m 0700 /run/proctor /var/lib/proctor
COPY --from=build /out/proctord /out/proctor /usr/local/bin/
COPY LICENSE /usr/share/doc/proctor/

USER proctor
WORKDIR /tmp
ENV PROCTOR_HOST=unix:/run/proctor/proctord.sock
ENV STATE_DIRECTORY=/var/lib/proctor
VOLUME ["/run/proctor", "/var/lib/proctor"]
# tini is process 1: it reaps what the server's processes leave behind, and hands
# SIGTERM to the server, which drains.
STOPSIGNAL SIGTERM
ENTRYPOINT ["tini", "--", "proctord"]
CMD ["--listen=unix:/run/proctor/proctord.sock"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["proctor", "info"]
