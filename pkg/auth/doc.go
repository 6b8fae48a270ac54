// Package auth says who calls, and proves it: short-lived EdDSA tokens (RFC 8037),
// each signed with a key of its own issuer, with the algorithm pinned and the
// audience checked. There is no shared secret.
//
// Users' tokens are issued by the portal (or by a local mesh for its admin): they
// carry the tenant and the scopes read, write, delete, admin. Services' tokens are
// signed by the calling service for one audience, carry scope service, which no
// user token can have, and name the tenant on whose behalf they call. Play tokens
// are signed by the origin, and let one Flow be read.
//
// A folder holds the trust: trust.json with the public key of each issuer, and a
// private key file for each identity that runs here ([Keyring]).
package auth
