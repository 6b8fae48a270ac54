// Package tams talks to the store as a client of the Time Addressable Media Store API
// 8.2 that knows nothing of Grainmesh, in the order in which the examples of BBC R&D do
// (github.com/bbc/tams, examples): make a Flow, ask for storage, put bytes there,
// register segments, read them back by time, delete.
package tams
