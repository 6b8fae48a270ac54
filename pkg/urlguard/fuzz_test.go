package urlguard_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/urlguard"
)

// FuzzCheck looks for URLs that pass though they lead inside, and for messages
// that tell a secret.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{
		"https://media.example/film.mp4", "http://127.0.0.1/", "http://[::ffff:127.0.0.1]:80/", "http://u:p@h/", "http://a@b@c/",
		"//h", "http://h\\@10.0.0.1", "HTTP://LOCALHOST", "http://%31%32%37.0.0.1/", "http://[fe80::1%25eth0]/",
	} {
		f.Add(seed)
	}
	guard, err := urlguard.New(urlguard.Config{})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, rawURL string) {
		u, err := guard.Check(rawURL)
		if err != nil {
			return
		}
		require.Contains(t, []string{"http", "https"}, u.Scheme)
		if addr, err := netip.ParseAddr(u.Hostname()); err == nil {
			addr = addr.Unmap()
			require.False(t, addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast() || addr.IsMulticast() || addr.IsUnspecified())
		}
		if password, ok := u.User.Password(); ok && len(password) > 16 {
			require.False(t, strings.Contains(urlguard.Redact(u), password) && !strings.Contains(u.Path+u.Host, password))
		}
	})
}
