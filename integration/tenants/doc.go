// Package tenants tries one tenant on another's data, at every method and route that
// a mesh has: the tables of this package name them all, and a method or route that no
// line names fails the tests. To B, what A has is as if it were not there.
//
// It also tries to get in with less than a call needs, with tokens that do not hold,
// as a service that has no business there, and on NATS.
package tenants
