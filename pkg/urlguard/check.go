package urlguard

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/grainmesh/grainmesh/pkg/fault"
)

// maxURL is the longest URL that is looked at, bytes.
const maxURL = 8192

// Check parses a URL from outside and says whether it may be tried: http or https,
// a plain host and port, and no address that is refused as it stands. Names are
// resolved, and their addresses checked, when they are dialled. What is wrong
// with the form of the URL is a [fault.InvalidArgument], a refused address a
// [fault.AddressRefused].
func (g *Guard) Check(rawURL string) (*url.URL, error) {
	if len(rawURL) > maxURL {
		return nil, fault.Newf(fault.InvalidArgument, "a url of %d bytes is longer than %d", len(rawURL), maxURL)
	}
	// Parsers differ about these, and some follow what others do not see.
	if strings.ContainsFunc(rawURL, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }) {
		return nil, fault.New(fault.InvalidArgument, "the url holds a blank, a control character or a backslash")
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		// The text of err repeats the URL with its secrets.
		return nil, fault.New(fault.InvalidArgument, "this is not a url: it does not parse")
	}
	if err := g.CheckURL(u); err != nil {
		return nil, err
	}
	return u, nil
}

// CheckURL is Check for a URL that is parsed already.
func (g *Guard) CheckURL(u *url.URL) error {
	name := Redact(u)
	switch u.Scheme {
	case "http", "https":
	default:
		return fault.Newf(fault.InvalidArgument, "%s has the scheme %q; http and https can be read", name, u.Scheme)
	}
	if u.Opaque != "" || u.Hostname() == "" {
		return fault.Newf(fault.InvalidArgument, "%s names no host", name)
	}
	if err := checkUser(u, name); err != nil {
		return err
	}
	port := u.Port()
	if n, err := strconv.ParseUint(effectivePort(u), 10, 16); err != nil || n == 0 {
		return fault.Newf(fault.InvalidArgument, "%s has the port %q, which is none", name, port)
	}
	return g.checkLiteral(u)
}

// checkLiteral refuses a host that is written as an address, before anything is
// dialled; a name passes.
func (g *Guard) checkLiteral(u *url.URL) error {
	host, port := u.Hostname(), effectivePort(u)
	if addr, err := netip.ParseAddr(host); err == nil && !g.excepted(host, port) {
		if why := g.rules.refuse(addr); why != "" {
			return refused(host, port, addr, why)
		}
	}
	return nil
}

// checkUser refuses user names that are there to look like a host:
// "http://example.org@10.0.0.1/" or "http://a@b@c/".
func checkUser(u *url.URL, name string) error {
	if u.User == nil {
		return nil
	}
	_, hasPassword := u.User.Password()
	if user := u.User.Username(); user == "" || !hasPassword || strings.ContainsAny(user, "@:/?#") {
		return fault.Newf(fault.InvalidArgument, "%s has a user without a password, or with characters of a host, before its host", name)
	}
	return nil
}

// effectivePort is the port that is dialled.
func effectivePort(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}

// refused is the fault of an address that may not be dialled.
func refused(host, port string, addr netip.Addr, why string) error {
	to := "resolves to " + addr.String() + ", which"
	if canonicalHost(host) == addr.Unmap().String() {
		to = "leads to an address that"
	}
	return fault.Newf(fault.AddressRefused, "%s %s is %s; only public addresses and the exceptions of this installation can be read",
		net.JoinHostPort(host, port), to, why)
}

// CleanError takes off what net/http puts before an error: the URL, whose query may
// hold a signature.
func CleanError(err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		return outer.Err
	}
	return err
}

// Redact writes a URL without what may be secret in it: user, password, the values
// of its query and the fragment. Keys of the query stay, to tell URLs apart.
func Redact(u *url.URL) string {
	c := *u
	c.User, c.Fragment, c.RawFragment = nil, "", ""
	if u.RawQuery != "" {
		c.RawQuery = redactQuery(u.RawQuery)
	}
	return c.String()
}

// redactQuery keeps the keys of a query, in their order.
func redactQuery(query string) string {
	fields := strings.Split(query, "&")
	for i, field := range fields {
		if key, _, ok := strings.Cut(field, "="); ok {
			fields[i] = key + "=..."
		} else {
			fields[i] = "..." // a token may stand alone
		}
	}
	return strings.Join(fields, "&")
}
