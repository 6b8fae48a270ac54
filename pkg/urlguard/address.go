package urlguard

import (
	"net/netip"
)

// refusedPrefix is a block of addresses that no outside URL may lead to.
type refusedPrefix struct {
	prefix netip.Prefix
	kind   string
}

// refusedPrefixes lists the blocks of the IANA special-purpose address registries
// (RFC 6890, as of 2025) that are not globally reachable, and the addresses of
// metadata services that lie outside of them. IPv6 addresses outside of
// 2000::/3 are refused as a whole, so their blocks are named for the message only.
func refusedPrefixes() []refusedPrefix {
	block := func(prefix, kind string) refusedPrefix {
		return refusedPrefix{netip.MustParsePrefix(prefix), kind}
	}
	return []refusedPrefix{
		block("168.63.129.16/32", "a metadata address"), // Azure, in the midst of public addresses
		block("169.254.169.254/32", "a metadata address"),
		block("169.254.170.2/32", "a metadata address"),   // ECS tasks
		block("100.100.100.200/32", "a metadata address"), // Alibaba
		block("192.0.0.192/32", "a metadata address"),     // Oracle
		block("fd00:ec2::254/128", "a metadata address"),
		block("fd20:ce::254/128", "a metadata address"), // Google

		block("0.0.0.0/8", "unspecified"),
		block("127.0.0.0/8", "loopback"),
		block("10.0.0.0/8", "private"),
		block("172.16.0.0/12", "private"),
		block("192.168.0.0/16", "private"),
		block("169.254.0.0/16", "link-local"),
		block("100.64.0.0/10", "shared by a carrier's customers"),
		block("192.0.0.0/24", "reserved"),
		block("192.0.2.0/24", "for documentation"),
		block("198.51.100.0/24", "for documentation"),
		block("203.0.113.0/24", "for documentation"),
		block("192.88.99.0/24", "reserved"), // relays of 6to4, RFC 7526
		block("198.18.0.0/15", "for benchmarks"),
		block("224.0.0.0/4", "multicast"),
		block("240.0.0.0/4", "reserved"), // broadcast is among them

		block("::/128", "unspecified"),
		block("::1/128", "loopback"),
		block("fc00::/7", "private"),
		block("fe80::/10", "link-local"),
		block("fec0::/10", "private"), // site-local, RFC 3879
		block("ff00::/8", "multicast"),
		block("2001::/23", "reserved"), // protocol assignments; Teredo among them
		block("2001:db8::/32", "for documentation"),
		block("3fff::/20", "for documentation"),
	}
}

// addressRules decides about addresses.
type addressRules struct {
	refused                           []refusedPrefix
	global                            netip.Prefix
	nat64, sixToFour, translated, old netip.Prefix
}

func newAddressRules() addressRules {
	return addressRules{
		refused:    refusedPrefixes(),
		global:     netip.MustParsePrefix("2000::/3"),
		nat64:      netip.MustParsePrefix("64:ff9b::/96"),    // RFC 6052
		sixToFour:  netip.MustParsePrefix("2002::/16"),       // RFC 3056
		translated: netip.MustParsePrefix("::ffff:0:0:0/96"), // RFC 2765
		old:        netip.MustParsePrefix("::/96"),           // IPv4-compatible, RFC 4291
	}
}

// refuse says why an address may not be dialled; empty if it may.
func (r *addressRules) refuse(addr netip.Addr) string {
	if !addr.IsValid() {
		return "no address"
	}
	if addr.Zone() != "" {
		return "link-local"
	}
	addr = addr.Unmap()
	for _, p := range r.refused {
		if p.prefix.Contains(addr) {
			return p.kind
		}
	}
	if addr.Is4() {
		return ""
	}
	if inner, ok := r.embedded(addr); ok {
		return r.refuse(inner)
	}
	if !r.global.Contains(addr) {
		return "reserved"
	}
	return ""
}

// embedded finds the IPv4 address that a packet to addr ends at, if a translator
// or a tunnel unpacks it.
func (r *addressRules) embedded(addr netip.Addr) (netip.Addr, bool) {
	b := addr.As16()
	switch {
	case r.nat64.Contains(addr), r.translated.Contains(addr), r.old.Contains(addr):
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case r.sixToFour.Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	default:
		return netip.Addr{}, false
	}
}
