// Package embed holds the servers that Grainmesh can bring along: NATS with
// JetStream, an S3 store, Redis and a private Postgres cluster.
//
// They serve the all-in-one process and the tests; only services/grainmesh and
// tests may import this package, so that the images of the services stay small.
//
// Each Start function returns when its server answers, and each Stop when
// nothing of it is left: no process, no goroutine. All of them listen on the
// loopback address alone and ask for credentials. A folder is used by one
// server at a time ([LockDir]); what a crash left running in it is ended by the
// next start.
//
//	server    runs as                            state
//	NATS      library, in this process           folder (JetStream)
//	S3        library, in this process           folder (versitygw, posix)
//	Redis     child; without one installed       none: it holds what may be
//	          an imitation in this process       forgotten
//	Postgres  child, from installed binaries     folder (a cluster of its own)
//
// The package needs Linux.
package embed
