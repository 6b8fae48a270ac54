// Package jobapi is the Service API: it takes jobs, gives them ids, and owns every
// outcome. The layers ask it for work and report to it; nobody else moves a job.
//
// Its promise: a job that was accepted ends exactly once, as completed, failed or
// cancelled, whatever dies on the way. Its state is rows of schema job; losing NATS
// or Redis loses no job. The state machine is drawn in the package ingest.
package jobapi
