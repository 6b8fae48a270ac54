package service_test

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/service"
)

// A program is the probe of its own service: ready only while that is.
func TestReady(t *testing.T) {
	t.Parallel()
	o := options(t, "a")
	ctx, stop := context.WithCancel(t.Context())
	ready, ended := make(chan string, 1), make(chan error, 1)
	o.Ready = func(_, internal string) { ready <- internal }
	go func() { ended <- service.Run(ctx, o, define("a", untilStopped)) }()
	address, err := url.Parse(<-ready)
	require.NoError(t, err)
	for _, listen := range []string{address.Host, "0.0.0.0:" + address.Port(), ":" + address.Port()} {
		require.NoError(t, service.Ready(t.Context(), service.Settings{InternalListen: listen}), listen)
	}
	stop()
	require.NoError(t, <-ended)
	require.Error(t, service.Ready(t.Context(), service.Settings{InternalListen: address.Host}))
	require.ErrorContains(t, service.Ready(t.Context(), service.Settings{InternalListen: "8080"}), "GRAINMESH_INTERNAL_LISTEN")
}

func TestNotReadyTellsWhy(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"a database":"refused"}`, http.StatusServiceUnavailable)
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	err = service.Ready(t.Context(), service.Settings{InternalListen: listener.Addr().String()})
	require.ErrorContains(t, err, "not ready")
	require.ErrorContains(t, err, "refused")
	require.NoError(t, server.Close())
	require.ErrorIs(t, <-served, http.ErrServerClosed)
}
