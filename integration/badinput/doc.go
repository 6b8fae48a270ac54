// Package badinput holds what a user may get wrong against the whole mesh: each bad
// input ends with a code, a sentence that names the input and the cause, and whether a
// retry can help; and nothing of it stays visible in the store.
package badinput
