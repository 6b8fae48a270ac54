// Package objstore is the object store: any S3, behind what Grainmesh needs of it.
//
// Objects are immutable. Whoever writes one, by [Bucket.Put] or by an URL of
// [Bucket.PresignPut], says If-None-Match: *, and of two writers the second is
// refused (412); in an URL the header is signed, so that leaving it out is refused
// too (403). Bytes go straight between the store and who needs them: services hand
// out presigned URLs, for machines inside ([Internal]) or for browsers ([Public]).
//
// Errors are faults: [fault.NotFound] for a missing object, bucket or upload,
// [fault.Conflict] for an object that is there already, [fault.Unavailable] when
// the store does not answer, [fault.Internal] when it refuses our credentials.
package objstore
