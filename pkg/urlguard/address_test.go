package urlguard

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAddressesThatAreRefused(t *testing.T) {
	t.Parallel()
	rules := newAddressRules()
	for addr, kind := range map[string]string{
		"127.0.0.1": "loopback", "127.255.255.254": "loopback", "::1": "loopback",
		"0.0.0.0": "unspecified", "0.1.2.3": "unspecified", "::": "unspecified",
		"10.1.2.3": "private", "172.31.255.255": "private", "192.168.1.1": "private", "fd12::1": "private", "fec0::1": "private",
		"169.254.1.1": "link-local", "fe80::1": "link-local", "2606:4700::1%eth0": "link-local",
		"100.64.0.1":      "shared by a carrier's customers",
		"169.254.169.254": "a metadata address", "168.63.129.16": "a metadata address", "100.100.100.200": "a metadata address",
		"fd00:ec2::254": "a metadata address",
		"224.0.0.1":     "multicast", "ff02::1": "multicast",
		"255.255.255.255": "reserved", "198.18.0.1": "for benchmarks", "203.0.113.9": "for documentation", "2001:db8::1": "for documentation",
		// The same in other clothes.
		"::ffff:127.0.0.1": "loopback", "::ffff:169.254.169.254": "a metadata address",
		"::10.0.0.1": "private", "::ffff:0:192.168.0.1": "private",
		"64:ff9b::7f00:1": "loopback", "64:ff9b::a9fe:a9fe": "a metadata address", "64:ff9b:1::1": "reserved",
		"2002:7f00:1::": "loopback", "2002:a00:1::1": "private",
		"2001:0:4136:e378:8000:63bf:3fff:fdd2": "reserved", // Teredo
		"100::1":                               "reserved", "5f00::1": "reserved", "4000::1": "reserved",
	} {
		require.Equal(t, kind, rules.refuse(netip.MustParseAddr(addr)), addr)
	}
	require.Equal(t, "no address", rules.refuse(netip.Addr{}))
}

func TestAddressesThatAreAllowed(t *testing.T) {
	t.Parallel()
	rules := newAddressRules()
	for _, addr := range []string{
		"1.1.1.1", "172.32.0.1", "100.128.0.1", "169.253.255.255", "168.63.129.17", "223.255.255.255",
		"2606:4700::1111", "64:ff9b::101:101", "2002:101:101::1", "::ffff:8.8.8.8",
	} {
		require.Empty(t, rules.refuse(netip.MustParseAddr(addr)), addr)
	}
}
