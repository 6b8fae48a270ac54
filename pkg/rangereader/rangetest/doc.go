// Package rangetest is a web server on the loopback interface whose files any test
// can read by ranges, and which can be told to misbehave. It counts what it sends,
// so that tests can say what reading may cost.
package rangetest
