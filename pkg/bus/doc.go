// Package bus moves work and facts over NATS JetStream.
//
// Work goes through one work-queue stream a layer, one message a subject: to
// publish what is queued or in flight is refused by the server ([ErrQueued]), so
// that a redriver is harmless. A message says which piece of work, never its state;
// whoever takes it asks the owner, and the ack comes after the owner has heard the
// outcome. An ack is no fence: epochs are (see services/job-api).
//
// A handler's error picks one of the outcomes:
//
//	nil          ack            done, or the owner knows that it failed
//	Retry(err)   nak with delay the owner could not be told
//	Drop(err)    term           the message makes no sense
//	Leave(err)   nothing        the work is another's by now
//	(working)    in progress    said by Message.Working, only when bytes moved
package bus
