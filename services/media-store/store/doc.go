// Package store is the index of the media store: the rows of Sources, Flows,
// segments and objects, and every statement that reads or moves them. Bytes are
// elsewhere, in the object store.
//
// What a caller may see follows from the tenant that each method is given; there is
// no query without it. Ids are unique over all tenants.
//
// Locks are taken in one order, so that writers wait for one another and never in a
// circle: the registration of a piece of work, its run, Flows by id, objects by id.
// [Store.insertSegments] is the only writer of segments; it holds the Flows' rows
// and looks at each new segment's neighbours, which keeps a Flow free of overlaps.
//
// Facts are written to the outbox in the transaction that makes them true.
package store
