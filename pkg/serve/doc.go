// Package serve is how a process listens, and how services call one another: two
// listeners (public for users, internal for scope service), health, metrics,
// Twirp servers and clients with their interceptors.
package serve
