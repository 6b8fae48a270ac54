// Package urlguard is the one door to outside URLs. What a customer names may
// point anywhere: at the metadata service of the cloud, at a database behind the
// firewall, at this very process. The guard looks at the address that is about
// to be dialled, not at the name, so that neither DNS nor a redirect leads around
// it:
//
//	name --resolve once--> addresses --check every one--> dial one of these
//
// Exceptions are a list of host:port that an operator writes down; there is no
// switch that turns the guard off. Proxies of the environment are not used,
// because a proxy would resolve by itself.
//
// A refusal is a [fault.AddressRefused] that names the host and what it resolved
// to.
package urlguard
