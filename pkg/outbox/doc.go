// Package outbox sends what a transaction decided after it has committed, at least
// once: facts, and work.
//
// A row of table outbox (see [Schema]) is written in the transaction that decides.
// A publisher claims rows by a short lease with SKIP LOCKED, commits, publishes,
// and then
//
//   - deletes the row of a fact;
//   - keeps the row of a piece of work until [Settle], when its report has arrived.
//     Until then it is published again from time to time, which the server refuses
//     while the work is queued or in flight. Losing the whole JetStream store
//     therefore loses no work.
//
// Work is let out so that no job and no tenant stands in another's way. At most
// PerGroup rows of one group (a job) are ready at a time; each settled one makes the
// next one ready, in the same transaction. At most Window ready rows of one lane (a
// layer) are outstanding; which go next is decided by priority within a tenant and
// by fair share between tenants.
//
//	Add -> waiting -> ready -> outstanding -> (Settle) gone
//	                    ^          |
//	                    +-- Delay -+
package outbox
