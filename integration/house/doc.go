// Package house keeps the rules of this repository that no linter knows: who may
// import whom, what a service's folder holds, what the README's tables say, what
// may not stand in a tracked file.
//
// Each rule is a function from a [Tree] to findings. One test holds the repository
// itself against all of them, and each rule has a test that shows it failing: a
// rule that cannot fail is not one.
//
// Run it with -count=1: the cache of go test does not see the files of other modules.
package house
