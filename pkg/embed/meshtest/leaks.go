package meshtest

import (
	"testing"

	"go.uber.org/goleak"
)

// Main is a TestMain that fails when tests leave goroutines behind, other than
// the two that the embedded S3 server's HTTP library never ends: its clock of
// the Date header, and the sweep of idle workers, which sleeps on for up to
// ten seconds.
func Main(m *testing.M) { goleak.VerifyTestMain(m, KnownLeaks()...) }

// KnownLeaks are the exceptions of [Main], for tests that call goleak
// themselves.
func KnownLeaks() []goleak.Option {
	return []goleak.Option{
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
	}
}
