// Package sharing lets many jobs, tenants and instances share one mesh: a large job does
// not stand in the way of a small one, and several instances of every service do each
// piece of work once.
package sharing
