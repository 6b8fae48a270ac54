// Package media is the vocabulary of the store in plain Go: Sources, Flows and
// Grains, and the grain index that goes with each stored object.
//
// A Source is an abstract piece of content. A Flow is one representation of it,
// a sequence of Grains on the TAI time line. A multi Flow collects others and has
// no grains of its own. Names and formats are those of NMOS IS-04 and of TAMS 8.2.
//
// Grains stand in decode order. Each carries two times: Order, the presentation
// time of the k-th displayed picture, which only grows and is timestamp 1 of a
// GSF grain; and PTS, its own presentation time. They differ only where pictures
// are reordered.
package media
