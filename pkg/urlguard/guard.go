package urlguard

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Defaults of a Config.
const (
	DefaultMaxRedirects  = 5
	DefaultDialTimeout   = 10 * time.Second
	DefaultHeaderTimeout = 30 * time.Second
	DefaultConnections   = 64
)

// Resolver finds the addresses of a host; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Config sets up a Guard. Its zero value allows all public addresses.
type Config struct {
	// Allow lists the exceptions, each a host:port: a name as URLs write it, which
	// may then resolve to anything, or an IP address, which any name may resolve to.
	Allow []string
	// MaxRedirects is how many redirects a client follows; negative for none.
	MaxRedirects int
	// MaxBody is the largest body that a client hands out, bytes; 0 for no limit.
	// What lies beyond is a [fault.BodyTooLarge].
	MaxBody int64
	// DialTimeout bounds resolving, connecting and the TLS handshake, each.
	DialTimeout time.Duration
	// HeaderTimeout bounds the wait for the head of an answer.
	HeaderTimeout time.Duration
	// Connections is how many connections one host may have at a time.
	Connections int
	// Resolver is what names are resolved with; nil for the system's.
	Resolver Resolver
}

// endpoint is one exception.
type endpoint struct {
	host string // lower case, without a final dot; an address in its shortest form
	port string
}

// Guard checks outside URLs. It is safe for concurrent use.
type Guard struct {
	cfg   Config
	rules addressRules
	allow map[endpoint]struct{}
}

// New makes a Guard. An exception that is not a host:port is an error.
func New(cfg Config) (*Guard, error) {
	cfg.MaxRedirects = cmp.Or(cfg.MaxRedirects, DefaultMaxRedirects)
	cfg.DialTimeout = cmp.Or(cfg.DialTimeout, DefaultDialTimeout)
	cfg.HeaderTimeout = cmp.Or(cfg.HeaderTimeout, DefaultHeaderTimeout)
	cfg.Connections = cmp.Or(cfg.Connections, DefaultConnections)
	if cfg.Resolver == nil {
		cfg.Resolver = net.DefaultResolver
	}
	g := &Guard{cfg: cfg, rules: newAddressRules(), allow: make(map[endpoint]struct{}, len(cfg.Allow))}
	for _, entry := range cfg.Allow {
		e, err := parseException(entry)
		if err != nil {
			return nil, err
		}
		g.allow[e] = struct{}{}
	}
	return g, nil
}

// parseException reads a host:port of the list of exceptions.
func parseException(entry string) (endpoint, error) {
	host, port, err := net.SplitHostPort(strings.TrimSpace(entry))
	if err != nil {
		return endpoint{}, fmt.Errorf("exception %q of the url guard is not a host:port: %w", entry, err)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return endpoint{}, fmt.Errorf("exception %q of the url guard has no port between 1 and 65535", entry)
	}
	if host == "" || strings.ContainsAny(host, "*/@ ") {
		return endpoint{}, fmt.Errorf("exception %q of the url guard must name one host", entry)
	}
	return endpoint{canonicalHost(host), port}, nil
}

// canonicalHost brings a host to the form in which exceptions are compared.
func canonicalHost(host string) string {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().String()
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

// excepted says whether the list names this host, or this address, with this port.
func (g *Guard) excepted(host, port string) bool {
	_, ok := g.allow[endpoint{canonicalHost(host), port}]
	return ok
}
