package urlguard

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/grainmesh/grainmesh/pkg/fault"
)

const (
	// maxHeaderBytes bounds the head of an answer.
	maxHeaderBytes = 256 << 10
	idleTimeout    = 90 * time.Second
	keepAlive      = 30 * time.Second
)

// Transport returns a new transport whose every connection goes to a checked
// address. It speaks HTTP/1.1 alone, so that parallel requests get connections of
// their own; it neither asks for compression, whose bombs no limit on the wire
// sees, nor uses a proxy. Redirects are the client's: see [Guard.Client].
func (g *Guard) Transport() *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:            g.dial,
		Protocols:              protocols,
		TLSHandshakeTimeout:    g.cfg.DialTimeout,
		ResponseHeaderTimeout:  g.cfg.HeaderTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		MaxConnsPerHost:        g.cfg.Connections,
		MaxIdleConnsPerHost:    g.cfg.Connections,
		IdleConnTimeout:        idleTimeout,
		DisableCompression:     true,
	}
}

// Client returns a new client that checks each URL and redirect, follows a limited
// number of these and hands out bodies up to the limit of the Config. timeout
// bounds a whole exchange with its body; 0 for no bound but the request's context.
// Close its idle connections when it is done with.
func (g *Guard) Client(timeout time.Duration) *http.Client {
	return &http.Client{
		Transport:     &guardedTransport{Transport: g.Transport(), guard: g},
		CheckRedirect: g.checkRedirect,
		Timeout:       timeout,
	}
}

// checkRedirect refuses the redirect after the last that is allowed. Its URL is
// checked by the transport, as that of any request.
func (g *Guard) checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > max(g.cfg.MaxRedirects, 0) {
		return fault.Newf(fault.SourceUnreachable, "%s redirects more than %d times", Redact(via[0].URL), max(g.cfg.MaxRedirects, 0))
	}
	// The address before may hold a signature, which is none of the next host's business.
	req.Header.Del("Referer")
	return nil
}

// guardedTransport checks the URLs of requests and bounds their answers.
type guardedTransport struct {
	*http.Transport // for CloseIdleConnections
	guard           *Guard
}

// RoundTrip implements http.RoundTripper.
func (t *guardedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.guard.CheckURL(req.URL); err != nil {
		return nil, err
	}
	resp, err := t.Transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if limit := t.guard.cfg.MaxBody; limit > 0 {
		if resp.ContentLength > limit {
			return nil, errors.Join(tooLarge(req, limit), resp.Body.Close())
		}
		resp.Body = &limitedBody{ReadCloser: resp.Body, req: req, limit: limit, left: limit}
	}
	return resp, nil
}

// limitedBody fails where io.LimitReader would end, so that a cut body is never
// taken for a whole one.
type limitedBody struct {
	io.ReadCloser
	req         *http.Request
	limit, left int64
}

// Read implements io.Reader.
func (b *limitedBody) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1] // one more tells a longer body
	}
	n, err := b.ReadCloser.Read(p)
	if int64(n) > b.left {
		n = int(b.left)
		b.left = 0
		return n, tooLarge(b.req, b.limit)
	}
	b.left -= int64(n)
	return n, err
}

func tooLarge(req *http.Request, limit int64) error {
	return fault.Newf(fault.BodyTooLarge, "the answer of %s is larger than %d bytes", Redact(req.URL), limit)
}

// dial resolves a name once, checks every address that it has, and connects to one
// of these. One refused address refuses the name: which of them a later connection
// takes would be the name server's choice.
func (g *Guard) dial(ctx context.Context, network, hostport string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, fault.Newf(fault.InvalidArgument, "%q is not a host and port: %w", hostport, err)
	}
	ctx, cancel := context.WithTimeout(ctx, g.cfg.DialTimeout)
	defer cancel()
	addrs, err := g.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	if !g.excepted(host, port) {
		for _, addr := range addrs {
			if why := g.rules.refuse(addr); why != "" && !g.excepted(addr.String(), port) {
				return nil, refused(host, port, addr, why)
			}
		}
	}
	return g.connect(ctx, network, addrs, port)
}

// resolve returns the addresses of a host, which may be one itself.
func (g *Guard) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	// "localhost" and its kind are resolved as any other name, and then refused.
	addrs, err := g.cfg.Resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	if len(addrs) == 0 {
		return nil, &net.DNSError{Err: "no addresses", Name: host, IsNotFound: true}
	}
	return addrs, nil
}

// connect tries the addresses in their order until one answers. Each gets its part
// of the time that is left.
func (g *Guard) connect(ctx context.Context, network string, addrs []netip.Addr, port string) (net.Conn, error) {
	dialer := net.Dialer{KeepAlive: keepAlive}
	var failed error
	for i, addr := range addrs {
		dialer.Timeout = share(ctx, len(addrs)-i)
		conn, err := dialer.DialContext(ctx, network, net.JoinHostPort(addr.Unmap().String(), port))
		if err == nil {
			return conn, nil
		}
		failed = errors.Join(failed, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, failed
}

// share is the time that one of n tries may take.
func share(ctx context.Context, n int) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok || n <= 1 {
		return 0
	}
	return max(time.Until(deadline)/time.Duration(n), time.Second)
}
