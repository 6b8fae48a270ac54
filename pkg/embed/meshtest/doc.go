// Package meshtest gives tests real neighbours: Postgres, NATS with JetStream,
// S3 and Redis, each apart from all other tests and gone when the test ends.
//
//	Postgres  one cluster for all test binaries of a user, started by the
//	          first; a database per test, cloned from a migrated template
//	NATS      one server per test binary; an account per test
//	S3        one server per test binary; a bucket per test
//	Redis     an imitation per test
//
// The servers of a test binary run while any of its tests uses them. The
// Postgres cluster goes on after the tests; the command meshtest-stop ends it
// ([StopShared]).
package meshtest
