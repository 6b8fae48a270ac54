package pg

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"
)

// Writer runs units of change, and those that arrive while transactions are under
// way together in the next one: the busier a service is, the fewer transactions a
// change costs it, and a change that comes alone waits for nobody. Units of one
// transaction take turns: each runs until it waits for an answer, what all have
// queued goes to the server at once, and each goes on with its own answers. If one
// of them fails, all are taken back and each is run again by itself, so that none
// pays for another.
type Writer struct {
	db         *DB
	durability Durability

	mu      sync.Mutex
	waiting []*call
	busy    map[string]bool // keys of the transactions under way
	flying  int
	started time.Time // the newest of them
	timed   bool      // start is going to be called
}

const (
	// overlapAfter is how long a transaction may take before the next one begins beside
	// it: it may be waiting for a lock, which is no reason for all to wait. Two that
	// always run side by side have half the units each, and a job took a tenth more
	// processor time.
	overlapAfter = 20 * time.Millisecond
	// maxFlying bounds the transactions of one writer.
	maxFlying = 8
	// maxTogether bounds the units of a transaction.
	maxTogether = 64
	// lockPatience is how long units that share a transaction wait for a lock. One that
	// has to wait longer does so by itself.
	lockPatience = "lock_timeout = '250ms'"
	// unitTimeout bounds a transaction.
	unitTimeout = 30 * time.Second
)

// NewWriter makes a writer whose transactions commit as durability says.
func (db *DB) NewWriter(durability Durability) *Writer {
	return &Writer{db: db, durability: durability, busy: map[string]bool{}}
}

// call is a unit that somebody waits for.
type call struct {
	key  string
	fn   func(u *Unit) error
	done chan struct{}
	err  error
}

// Do runs fn as a unit, and again if that is needed, so fn must have no effect but
// on its unit. Units of one key are never under way together: a unit may rely on
// what it has read and locked of what its key stands for. Units of a transaction run
// in the order of their keys, so that they lock in one order.
func (w *Writer) Do(ctx context.Context, key string, fn func(u *Unit) error) error {
	c := &call{key: key, fn: fn, done: make(chan struct{})}
	w.mu.Lock()
	w.waiting = append(w.waiting, c)
	w.start()
	w.mu.Unlock()
	select {
	case <-c.done:
	case <-ctx.Done():
		if w.withdraw(c) {
			return ctx.Err()
		}
		<-c.done // fn may be running, and what it writes to is the caller's
	}
	return c.err
}

// withdraw takes a call back that has not begun.
func (w *Writer) withdraw(c *call) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.waiting, c)
	if i < 0 {
		return false
	}
	w.waiting = slices.Delete(w.waiting, i, i+1)
	return true
}

// start begins a transaction of what waits, now or when it is time for one more. The
// caller holds the lock.
func (w *Writer) start() {
	if len(w.waiting) == 0 || w.flying == maxFlying {
		return
	}
	if early := overlapAfter - time.Since(w.started); w.flying > 0 && early > 0 {
		w.startIn(early)
		return
	}
	calls := w.pick()
	if len(calls) == 0 {
		return
	}
	w.flying++
	w.started = time.Now()
	go w.fly(calls)
	if len(w.waiting) > 0 {
		w.startIn(overlapAfter)
	}
}

func (w *Writer) startIn(pause time.Duration) {
	if w.timed {
		return
	}
	w.timed = true
	time.AfterFunc(pause, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.timed = false
		w.start()
	})
}

// pick takes those that wait longest, one of each key that is not under way.
func (w *Writer) pick() []*call {
	var picked []*call
	w.waiting = slices.DeleteFunc(w.waiting, func(c *call) bool {
		if len(picked) == maxTogether || w.busy[c.key] {
			return false
		}
		w.busy[c.key] = true
		picked = append(picked, c)
		return true
	})
	slices.SortFunc(picked, func(a, b *call) int { return cmp.Compare(a.key, b.key) })
	return picked
}

// fly ends every call: all together, or, if that was taken back, each by itself. The
// flight is over before those have ended, as one of them may wait for a lock.
func (w *Writer) fly(calls []*call) {
	var apart bool
	if len(calls) == 1 {
		calls[0].err = w.alone(calls[0])
	} else {
		apart = w.together(calls)
	}
	w.mu.Lock()
	w.flying--
	w.start()
	w.mu.Unlock()
	if !apart {
		w.end(calls...)
		return
	}
	for _, c := range calls {
		go func() {
			c.err = w.alone(c)
			w.end(c)
		}()
	}
}

// end frees the keys of calls and tells those who wait for them.
func (w *Writer) end(calls ...*call) {
	w.mu.Lock()
	for _, c := range calls {
		delete(w.busy, c.key)
	}
	w.start()
	w.mu.Unlock()
	for _, c := range calls {
		close(c.done)
	}
}

// alone runs one call in a transaction of its own.
func (w *Writer) alone(c *call) error {
	ctx, cancel := context.WithTimeout(context.Background(), unitTimeout)
	defer cancel()
	return w.db.Write(ctx, w.durability, c.fn)
}

// errTakenBack unwinds the units of a transaction of which another has failed.
var errTakenBack = errors.New("the transaction was taken back")

// member is a call as one of several in a transaction.
type member struct {
	Unit

	next func() (struct{}, bool)
	stop func()
	err  error
}

// join makes a call a coroutine that stops at each Send.
func join(c *call) *member {
	m := &member{}
	m.next, m.stop = iter.Pull(func(yield func(struct{}) bool) {
		m.turn = func() error {
			if !yield(struct{}{}) {
				return errTakenBack
			}
			return nil
		}
		m.err = m.guarded(func() error { return c.fn(&m.Unit) })
	})
	return m
}

// together runs calls in one transaction, and says whether it was taken back, so that
// each is to be run by itself. Otherwise all are committed, or the database is away,
// which each is told: perhaps it has committed.
func (w *Writer) together(calls []*call) (takenBack bool) {
	ctx, cancel := context.WithTimeout(context.Background(), unitTimeout)
	defer cancel()
	t, err := w.db.transaction(ctx, w.durability, lockPatience)
	if err == nil {
		defer t.end(context.WithoutCancel(ctx))
		if err = takeTurns(ctx, t, calls); err != nil && t.takenBack(err) {
			return true
		}
	}
	if err != nil {
		for _, c := range calls {
			c.err = err
		}
	}
	return false
}

// takeTurns runs calls as members of one transaction until it is committed.
func takeTurns(ctx context.Context, t *transaction, calls []*call) error {
	running, units := make([]*member, len(calls)), make([]*Unit, len(calls))
	for i, c := range calls {
		running[i] = join(c)
		units[i] = &running[i].Unit
	}
	defer func(members []*member) {
		for _, m := range members {
			m.stop()
		}
	}(running)
	for len(running) > 0 {
		var err error
		if running, err = turn(running); err != nil {
			return err
		}
		if len(running) > 0 {
			if err := t.send(ctx, units); err != nil {
				return err
			}
		}
	}
	if err := t.commit(ctx, units); err != nil {
		return err
	}
	for i, c := range calls {
		c.err = units[i].committed()
	}
	return nil
}

// turn lets each member run until it waits for an answer, and returns those that do.
func turn(running []*member) (waiting []*member, err error) {
	for _, m := range running {
		if _, more := m.next(); more {
			waiting = append(waiting, m)
		} else if m.err != nil {
			return nil, m.err
		}
	}
	return waiting, nil
}
