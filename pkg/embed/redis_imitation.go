package embed

import (
	"context"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// imitationTick is how exactly keys of the imitation expire.
const imitationTick = 50 * time.Millisecond

// imitation is a Redis within this process. Its keys expire only when its
// clock is moved, so a goroutine moves it.
type imitation struct {
	server *miniredis.Miniredis
	quit   chan struct{}
	once   sync.Once
	moving sync.WaitGroup
}

func (r *Redis) startImitation(_ context.Context, cfg RedisConfig) error {
	m := miniredis.NewMiniRedis()
	m.RequireAuth(r.password)
	if err := m.StartAddr(net.JoinHostPort(loopback, strconv.Itoa(cfg.Port))); err != nil {
		return err
	}
	port, err := strconv.Atoi(m.Port())
	if err != nil {
		m.Close()
		return err
	}
	r.port = port
	r.imitation = &imitation{server: m, quit: make(chan struct{})}
	r.imitation.moving.Go(r.imitation.moveClock)
	return nil
}

// moveClock moves the imitation's clock by the time that has passed.
func (i *imitation) moveClock() {
	tick := time.NewTicker(imitationTick)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-i.quit:
			return
		case <-tick.C:
			now := time.Now()
			i.server.FastForward(now.Sub(last))
			last = now
		}
	}
}

func (i *imitation) stop() {
	i.once.Do(func() { close(i.quit) })
	i.moving.Wait()
	i.server.Close()
}
