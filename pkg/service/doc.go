// Package service is the life of a service: one way to define it, and the same
// start and stop whether it runs alone, among others in one process, or in a test.
//
//	listen     bind every port; a busy one is named
//	open       New of each service: settings, neighbours, migrations; starts nothing
//	ready      routes mounted, /readyz answers 200
//	running    Run of each service, until one returns or the process is told to stop
//	stopping   /readyz answers 503, Run's context ends, work in hand finishes
//	closed     connections closed, in the reverse order of their opening
//
// A second signal ends the process at once.
package service
