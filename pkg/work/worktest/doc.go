// Package worktest hands tasks to the code of a layer as in the mesh: by a queue in
// NATS and a [work.Worker], with an owner that is the test's.
package worktest
