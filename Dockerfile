# One image a service:
#
#   docker build --build-arg SERVICE=reader -t grainmesh/reader .
#
# It holds the program of services/$SERVICE/cmd and the certificates of public authorities, nothing else: no shell,
# no ffmpeg (no service runs one), none of the embedded servers. All programs are built in one stage, so that the
# second image costs nothing.
ARG GO_IMAGE=golang:1.26-bookworm
ARG NODE_IMAGE=node:22-bookworm

# The portal's pages, which its program carries.
FROM ${NODE_IMAGE} AS pages
WORKDIR /src
COPY scripts/web.sh scripts/
COPY services/portal-bff/web services/portal-bff/web
RUN scripts/web.sh build

FROM ${GO_IMAGE} AS programs
WORKDIR /src
COPY . .
COPY --from=pages /src/services/portal-bff/web/dist services/portal-bff/web/dist
ENV CGO_ENABLED=0 GOTOOLCHAIN=auto
RUN for main in services/*/cmd; do \
		service=$(basename "$(dirname "$main")"); \
		[ "$service" = grainmesh ] || go build -trimpath -buildvcs=false -ldflags='-s -w' -o "/out/$service" "./$main" || exit; \
	done

FROM scratch
ARG SERVICE
ARG VERSION=dev
COPY --from=programs /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=programs /out/${SERVICE} /service
ENV GRAINMESH_VERSION=${VERSION}
USER 65532:65532
EXPOSE 8080 8081
ENTRYPOINT ["/service"]
