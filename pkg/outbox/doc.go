// Package outbox sends what a transaction decided after it has committed, at least
// once: facts, and work.
//
// A row of table outbox (see [Schema]) is written in the transaction that decides.
// The process that wrote it publishes it as soon as the transaction has committed;
// should it die before, the row's lease runs out and any process claims it, with SKIP
// LOCKED. Then
//
//   - the row of a fact is deleted;
//   - the row of a piece of work stays until it is settled, when its report has
//     arrived. Until then it is published again from time to time, which the server
//     refuses while the work is queued or in flight. Losing the whole JetStream store
//     therefore loses no work.
//
// Work is let out so that no job and no tenant stands in another's way. At most
// perGroup rows of one group (a job) are ready at a time; each settled one makes the
// next one ready, in the same transaction. At most Window rows of one lane (a layer)
// are outstanding; once that many are, the rest is claimed as there is room: by
// priority and age within a tenant, and by fair share between tenants.
//
//	          written            committed             settled
//	waiting ----------> ready ----------------> outstanding ----> gone
//	         (perGroup)   ^   (Window, share)        |
//	                      +-------- delayed ---------+
//
// Commits of claims need not reach the disk at once: what a crash of the database
// takes back is published again.
package outbox
