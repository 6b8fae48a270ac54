// Package tams is the REST surface of the media store: the Time-addressable Media
// Store API of the BBC, version 8.2, below /tams/v8.2. TAMS clients work with it
// unchanged; what Grainmesh adds (single grains, windows) hangs below a Flow.
//
// It maps JSON to the store and back, and nothing else. What a client says of a
// Flow that the store has no field for is kept and given back as it was.
//
// Where the specification leaves a choice:
//
//   - Uploads for TAMS clients do not sign If-None-Match, which such clients do not
//     send; the ETag that the object has when it is registered is pinned instead.
//   - Deleting is done before it is answered: there are no delete requests to poll.
//   - There is one storage backend. Profiles and webhooks are not offered.
//   - Times are limited to +-292 years around 1970; beyond it is 400.
package tams
