package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"countersign/slack"
)

// metrics are what an operator watches.
type metrics struct {
	registry    *prometheus.Registry
	sockets     prometheus.Gauge
	connections prometheus.Gauge
	calls       *prometheus.CounterVec
	decided     prometheus.Histogram
	late        prometheus.Histogram
	problems    prometheus.Gauge
}

func newMetrics() *metrics {
	seconds := []float64{.05, .1, .25, .5, 1, 2, 5, 15, 60, 300}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		sockets: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "countersign_slack_sockets", Help: "Sockets to Slack that are up in this replica."}),
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "countersign_slack_connections", Help: "Sockets Slack counts for the app; it allows ten."}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "countersign_slack_calls_total", Help: "Calls of Slack's Web API, by method and by Slack's word when it refused."},
			[]string{"method", "problem"}),
		decided: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "countersign_click_seconds", Help: "From a click's envelope to its acknowledgement.", Buckets: seconds}),
		late: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "countersign_entry_delay_seconds", Help: "From an event to its entry in the channel.", Buckets: seconds}),
		problems: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "countersign_trail_problems", Help: "What the last hourly check of the trail found, in the replica that posts."}),
	}
	m.registry.MustRegister(m.sockets, m.connections, m.calls, m.decided, m.late, m.problems)
	return m
}

// meter is what Slack reports its numbers to.
func (m *metrics) meter() slack.Meter {
	return slack.Meter{
		Sockets:     func(n int) { m.sockets.Set(float64(n)) },
		Connections: func(n int) { m.connections.Set(float64(n)) },
		Call:        func(method, problem string) { m.calls.WithLabelValues(method, problem).Inc() },
		Decided:     func(took time.Duration) { m.decided.Observe(took.Seconds()) },
		Posted:      func(_ string, late time.Duration) { m.late.Observe(late.Seconds()) },
		Checked:     func(problems int) { m.problems.Set(float64(problems)) },
	}
}

// health answers /livez, /readyz and /metrics.
type health struct {
	metrics  *metrics
	ready    func(context.Context) []error  // what keeps the bot from its work
	degraded func(context.Context) []string // what it cannot do, while the rest works
}

func (h health) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
		defer cancel()
		if err := errors.Join(h.ready(ctx)...); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
		for _, reason := range h.degraded(ctx) {
			fmt.Fprintln(w, "degraded:", reason)
		}
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(h.metrics.registry, promhttp.HandlerOpts{}))
	return mux
}

// serve answers on addr until the context ends. An empty addr means not at all.
func (h health) serve(ctx context.Context, addr string, log *slog.Logger) error {
	if addr == "" {
		<-ctx.Done()
		return nil
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("LISTEN_ADDR: %w", err)
	}
	server := &http.Server{Handler: h.handler(), ReadHeaderTimeout: 5 * time.Second}
	log.InfoContext(ctx, "health and metrics are served", "addr", l.Addr().String())
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
