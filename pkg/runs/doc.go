// Package runs makes the objects of the store: valid GSF files that hold a run of
// grains of one Flow, with the index that finds each of them.
package runs
