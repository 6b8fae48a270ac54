package objstore

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/grainmesh/grainmesh/pkg/config"
)

// DefaultRegion is the region of a store whose URL names none.
const DefaultRegion = "us-east-1"

// Config says where the object store is.
type Config struct {
	// URL is the endpoint as services reach it, with the account:
	// http://KEY:SECRET@127.0.0.1:9000?region=us-east-1. Required.
	URL config.Secret
	// PublicURL is the endpoint as browsers reach it, without an account; empty for
	// the same.
	PublicURL string
	// Timeout bounds connecting and the wait for the head of an answer; 0 for 30 s.
	Timeout time.Duration
}

const defaultTimeout = 30 * time.Second

// account is what requests are signed with.
type account struct {
	key, secret, region string
}

// parse reads the settings and names the one that is wrong, without its value.
func (c Config) parse() (internal, public *url.URL, acc account, err error) {
	internal, err = parseEndpoint(c.URL.Reveal())
	if err != nil {
		return nil, nil, account{}, fmt.Errorf("url of the object store: %w", err)
	}
	acc.key = internal.User.Username()
	acc.secret, _ = internal.User.Password()
	if acc.key == "" || acc.secret == "" {
		return nil, nil, account{}, errors.New("url of the object store: it needs a key and a secret, as in http://KEY:SECRET@host:9000")
	}
	acc.region = cmp.Or(internal.Query().Get("region"), DefaultRegion)
	internal.User, internal.RawQuery = nil, ""
	if c.PublicURL == "" {
		return internal, internal, acc, nil
	}
	public, err = parseEndpoint(c.PublicURL)
	if err != nil {
		return nil, nil, account{}, fmt.Errorf("public url of the object store: %w", err)
	}
	public.User, public.RawQuery = nil, ""
	return internal, public, acc, nil
}

// parseEndpoint reads scheme, host and port; a path cannot be, since it would be
// signed and then cut off by whatever serves below it.
func parseEndpoint(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("it does not parse") // the text of err repeats the secret
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("its scheme is %q; http or https is expected", u.Scheme)
	case u.Hostname() == "":
		return nil, errors.New("it names no host")
	case u.Path != "" && u.Path != "/":
		return nil, fmt.Errorf("it has the path %q; an endpoint has none", u.Path)
	}
	u.Path = ""
	// Clients leave a default port out of the Host header, which is signed.
	if defaults := map[string]string{"http": "80", "https": "443"}; u.Port() == defaults[u.Scheme] {
		u.Host = u.Hostname()
		if addr := net.ParseIP(u.Hostname()); addr != nil && addr.To4() == nil {
			u.Host = "[" + u.Hostname() + "]"
		}
	}
	return u, nil
}
