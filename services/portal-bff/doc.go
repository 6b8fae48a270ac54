// Package portalbff is the web portal and its backend: log-in, uploads, events, and
// one address for the browser.
//
// Its promise: a browser needs no other address, holds no secret that a script can
// read, and sees only its own tenant. It owns no media and no job: what it keeps is
// sessions and log-in codes, in Redis, whose loss costs a new log-in.
//
//	code --/login--> session (cookie, 12 h) --each visit--> user's token (cookie, 1 h)
//
// Bytes do not pass through it: uploads go straight to the object store, by presigned
// parts.
package portalbff
