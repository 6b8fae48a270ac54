// Package faults ends services and loses neighbours at every step of an ingest, and says
// that the job still ends once, with the same bytes.
//
// A step is reached for certain, not by chance: the source holds its answers back, or a
// service that the step waits for is frozen. Then the fault strikes, everything is let
// go, and the job must end as if nothing had happened:
//
//   - it ends once, every piece of its work done once;
//   - the Flow equals the source grain for grain, none twice, no segments overlapping;
//   - nothing is left in the outbox, and reports of old epochs are refused;
//   - nothing can be read of a job that fails.
//
// With -short each kind of fault strikes once, at a step that a seed chooses; otherwise
// at every step. GRAINMESH_FAULT_N repeats all of it, GRAINMESH_FAULT_SEED repeats a
// choice.
package faults
