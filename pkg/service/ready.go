package service

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

const (
	// readyWait bounds a question to the process beside this one.
	readyWait = 5 * time.Second
	// readyAnswer is how much of its answer is read.
	readyAnswer = 4 << 10
)

// Ready asks the process that listens as the settings say, on this machine, whether
// it is ready. Images hold nothing but the service: its program is its own probe.
func Ready(ctx context.Context, settings Settings) error {
	host, port, err := net.SplitHostPort(settings.InternalListen)
	if err != nil {
		return fmt.Errorf("GRAINMESH_INTERNAL_LISTEN: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	client := &http.Client{Timeout: readyWait, Transport: &http.Transport{DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", http.NoBody)
	if err != nil {
		return fmt.Errorf("GRAINMESH_INTERNAL_LISTEN: %w", err)
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("ask whether the service is ready: %w", err)
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, readyAnswer))
	if err = cmp.Or(response.Body.Close(), err); err != nil {
		return fmt.Errorf("read whether the service is ready: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", answer)
	}
	return nil
}
