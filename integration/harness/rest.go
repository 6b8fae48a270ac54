package harness

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// TAMS is what paths of the store's REST API begin with.
const TAMS = "/tams/v8.2"

// Answer is a whole HTTP answer.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Get asks for a path of the mesh, such as TAMS + "/flows", and reads all of the
// answer, whatever its status.
func (u *User) Get(t testing.TB, path string) *Answer {
	t.Helper()
	return u.Do(t, http.MethodGet, path, nil)
}

// Do sends a request to a path of the mesh; a body, if there is one, is JSON.
func (u *User) Do(t testing.TB, method, path string, body io.Reader) *Answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, u.URL+path, body)
	require.NoError(t, err)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := u.HTTP.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return &Answer{response.StatusCode, response.Header, read}
}

// Window takes a window of a Flow, by a query such as "timerange=[0:0_1:0)".
func (u *User) Window(t testing.TB, flow, query string) *Answer {
	t.Helper()
	return u.Get(t, TAMS+"/flows/"+flow+"/window?"+query)
}
