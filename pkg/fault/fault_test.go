package fault_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twitchtv/twirp"

	"github.com/grainmesh/grainmesh/pkg/fault"
)

// codes reads the constants from the source, so that none is forgotten here.
func codes(t *testing.T) []fault.Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "fault.go", nil, 0)
	require.NoError(t, err)
	var out []fault.Code
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Code" {
			out = append(out, fault.Code(strings.Trim(spec.Values[0].(*ast.BasicLit).Value, `"`)))
		}
		return true
	})
	require.Greater(t, len(out), 30)
	return out
}

// Every code has its line in the table, and is the same on the other side of a call.
func TestEveryCode(t *testing.T) {
	t.Parallel()
	for _, code := range codes(t) {
		e := fault.New(code, "clip.wav ends at byte 7")
		require.Contains(t, []fault.Blame{fault.Customer, fault.Platform}, e.Blame(), code)
		require.GreaterOrEqual(t, e.HTTPStatus(), 400, code)
		if code != fault.Internal {
			require.NotEqual(t, 500, e.HTTPStatus(), "%s has no line in the table", code)
		}
		if e.Blame() == fault.Customer && e.Retryable() {
			require.Contains(t, []fault.Code{fault.RateLimited, fault.SourceUnreachable}, code, "only these pass by themselves")
		}

		sent := fault.ToTwirp(fmt.Errorf("read: %w", e))
		require.Equal(t, string(code), sent.Meta("code"))
		require.Equal(t, string(e.Blame()), sent.Meta("fault"))
		require.Equal(t, fmt.Sprint(e.Retryable()), sent.Meta("retryable"))
		got := fault.FromTwirp(fmt.Errorf("call: %w", sent))
		require.True(t, fault.Is(got, code))
		require.Equal(t, "read: clip.wav ends at byte 7", got.Error())

		stored := fault.FromProto(fault.Proto(e))
		require.True(t, fault.Is(stored, code))
		require.Equal(t, e.Error(), stored.Error())
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	require.Nil(t, fault.Of(nil))
	for name, c := range map[string]struct {
		err  error
		code fault.Code
		says string
	}{
		"a fault":             {fault.New(fault.Gone, "it is gone"), fault.Gone, "it is gone"},
		"wrapped":             {fmt.Errorf("open: %w", fault.New(fault.Gone, "it is gone")), fault.Gone, "open: it is gone"},
		"joined":              {errors.Join(io.EOF, fault.New(fault.Gone, "it is gone")), fault.Gone, "it is gone"},
		"the outermost":       {fault.Newf(fault.StaleEpoch, "late: %w", fault.New(fault.Gone, "gone")), fault.StaleEpoch, "late: gone"},
		"cancelled":           {fmt.Errorf("read: %w", context.Canceled), fault.Cancelled, "cancelled"},
		"too slow":            {context.DeadlineExceeded, fault.Unavailable, "too long"},
		"anything else":       {errors.New("password is hunter2"), fault.Internal, "log of the service"},
		"named and cancelled": {fault.Newf(fault.SourceChanged, "etag: %w", context.Canceled), fault.SourceChanged, "etag"},
	} {
		e := fault.Of(c.err)
		require.Equal(t, c.code, e.Code, name)
		require.Contains(t, e.Message, c.says, name)
		require.NotContains(t, e.Message, "hunter2", "what is not meant for people is not told")
		require.ErrorIs(t, e, c.err, name)
	}
}

func TestCausesAreFound(t *testing.T) {
	t.Parallel()
	err := fault.Newf(fault.Unavailable, "%w, then %w", io.ErrUnexpectedEOF, io.ErrClosedPipe)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.ErrorIs(t, err, io.ErrClosedPipe)
	require.ErrorIs(t, fault.Wrap(fault.Conflict, io.EOF), io.EOF)
	require.NoError(t, fault.Wrap(fault.Conflict, nil))
	require.False(t, fault.Is(io.EOF, fault.Internal))
}

// Errors of a call that never reached the other side, or that Twirp itself makes,
// have a code as well.
func TestErrorsOfTwirp(t *testing.T) {
	t.Parallel()
	for code, want := range map[twirp.ErrorCode]fault.Code{
		twirp.BadRoute: fault.NotFound, twirp.Malformed: fault.Malformed, twirp.Canceled: fault.Cancelled,
		twirp.Unauthenticated: fault.Unauthenticated, twirp.PermissionDenied: fault.PermissionDenied,
		twirp.Internal: fault.Unavailable, twirp.Unavailable: fault.Unavailable,
	} {
		require.True(t, fault.Is(fault.FromTwirp(twirp.NewError(code, "no")), want), "%s", code)
	}
	require.NoError(t, fault.FromTwirp(nil))
	require.Equal(t, io.EOF, fault.FromTwirp(io.EOF))
	require.Nil(t, fault.ToTwirp(nil))
	require.Nil(t, fault.Proto(nil))
	require.NoError(t, fault.FromProto(nil))
}

// A code that only a newer peer knows is taken as ours, and tried again.
func TestUnknownCode(t *testing.T) {
	t.Parallel()
	e := fault.New("of_the_future", "no")
	require.Equal(t, fault.Platform, e.Blame())
	require.True(t, e.Retryable())
}
