// Package objstoretest is what every object store must do, as tests: the embedded
// one passes it, and so must any S3 that Grainmesh is to run on.
package objstoretest
