# The bot in an image of its own: one static program, no shell, not root.
#
#   docker build -t countersign .
#   docker run --env-file .env -v "$PWD/policy.yaml:/etc/countersign/policy.yaml:ro" countersign
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -o /bot ./cmd/bot

FROM gcr.io/distroless/static-debian13:nonroot
COPY --from=build /bot /usr/local/bin/bot
# policy.yaml is read from here.
WORKDIR /etc/countersign
# Inside a container the default, a loopback address, serves the health check
# alone. Set LISTEN_ADDR=:8080 to let others ask for /readyz and /metrics.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 CMD ["/usr/local/bin/bot", "check", "--live"]
ENTRYPOINT ["/usr/local/bin/bot"]
