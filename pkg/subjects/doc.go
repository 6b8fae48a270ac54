// Package subjects is the only place that spells the name of a stream or subject.
// Each subject is bound to the type of its message; [Table] lists them all, and a
// test holds the README's table against it.
//
//	work.<layer>.<kind>.<id>        a piece of work; one message a subject
//	event.<entity>.<id>.<change>    a fact, past tense; kept for a while
//	progress.<entity>.<id>          a number that changes; not kept
//
// Progress stands apart from events so that the stream of events need not store it.
package subjects
