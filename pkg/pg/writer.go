package pg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	// unitTimeout bounds a transaction.
	unitTimeout = 30 * time.Second
)

// NewWriter makes a writer whose transactions commit as durability says.
func (db *DB) NewWriter(durability Durability) *Writer {
	return &Writer{db: db, durability: durability, busy: map[string]bool{}}
}

// call is a unit that somebody waits for.
type call struct {
	key      string
	fn       func(u *Unit) error
	done     chan struct{}
	err      error
	panicked any
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
	if c.panicked != nil {
		panic(c.panicked) //nolint:forbidigo // it is the caller's own, who may know what to do with it
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
	if calls := w.pick(); len(calls) > 0 {
		w.flying++
		w.started = time.Now()
		go w.fly(calls)
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

func (w *Writer) fly(calls []*call) {
	w.run(calls)
	w.mu.Lock()
	w.flying--
	for _, c := range calls {
		delete(w.busy, c.key)
	}
	w.start()
	w.mu.Unlock()
	for _, c := range calls {
		close(c.done)
	}
}

func (w *Writer) run(calls []*call) {
	if len(calls) > 1 {
		switch err := w.together(calls); {
		case err == nil:
			return
		case !errors.Is(err, errTakenBack):
			// The database is away, and perhaps it has committed.
			for _, c := range calls {
				c.err = err
			}
			return
		}
	}
	var all sync.WaitGroup
	for _, c := range calls {
		all.Go(func() { w.alone(c) })
	}
	all.Wait()
}

// alone runs one call in a transaction of its own.
func (w *Writer) alone(c *call) {
	ctx, cancel := context.WithTimeout(context.Background(), unitTimeout)
	defer cancel()
	defer func() { c.panicked = recover() }()
	c.err = w.db.Write(ctx, w.durability, c.fn)
}

// errTakenBack says that one unit of a transaction failed, and nothing of it was
// committed.
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
		defer func() {
			// It happens again when the call is run by itself, and is told there.
			if p := recover(); p != nil {
				m.err = fmt.Errorf("panic: %v", p)
			}
		}()
		m.err = c.fn(&m.Unit)
	})
	return m
}

// together runs calls in one transaction: all are committed, or none.
func (w *Writer) together(calls []*call) error {
	ctx, cancel := context.WithTimeout(context.Background(), unitTimeout)
	defer cancel()
	t, err := w.db.transaction(ctx, w.durability)
	if err != nil {
		return err
	}
	defer t.end(context.WithoutCancel(ctx))
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
	for {
		if running, err = takeTurns(running); err != nil {
			return err
		}
		if len(running) == 0 {
			break
		}
		if err := t.send(ctx, units); err != nil {
			return t.failure(err)
		}
	}
	if err := t.commit(ctx, units); err != nil {
		return t.failure(err)
	}
	for i, c := range calls {
		c.err = units[i].committed()
	}
	return nil
}

// takeTurns lets each member run until it waits for an answer, and returns those
// that do.
func takeTurns(running []*member) (waiting []*member, err error) {
	for _, m := range running {
		if _, more := m.next(); more {
			waiting = append(waiting, m)
		} else if m.err != nil {
			return nil, fmt.Errorf("%w: %w", errTakenBack, m.err)
		}
	}
	return waiting, nil
}
