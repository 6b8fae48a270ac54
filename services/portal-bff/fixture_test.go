package portalbff

import (
	"context"
	"crypto/ed25519"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/bus"
	"github.com/grainmesh/grainmesh/pkg/config"
	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/objstore"
	"github.com/grainmesh/grainmesh/pkg/serve"
	"github.com/grainmesh/grainmesh/pkg/service"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	portalv1 "github.com/grainmesh/grainmesh/rpc/portal/v1"
)

func TestMain(m *testing.M) { meshtest.Main(m) }

// minPart is the least size of a part that S3 takes where others follow.
const minPart = 5 << 20

// portal is a portal that serves, with real neighbours.
type portal struct {
	*Service
	url      string
	bus      *bus.Bus
	verifier *auth.Verifier
}

// start serves a portal whose settings and neighbours a test may change.
func start(t *testing.T, change ...func(*Config, *Deps)) *portal {
	t.Helper()
	public, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	b, client := connect(t)
	bucket := meshtest.Bucket(t)
	endpoint := strings.Replace(bucket.Endpoint, "://", "://"+bucket.AccessKey+":"+bucket.SecretKey+"@", 1)
	store, err := objstore.Open(objstore.Config{URL: config.Secret(endpoint)})
	require.NoError(t, err)
	t.Cleanup(store.Close)
	registry := prometheus.NewRegistry()
	settings := service.Settings{PublicURL: "http://portal.example", S3URL: config.Secret(endpoint), Region: "here", Version: "1.2.3"}
	portalConfig := Config{
		SessionTTL: time.Hour, TokenTTL: time.Hour, CodeTTL: time.Minute, PartBytes: minPart, MaxUpload: 100 << 20, UploadTTL: time.Hour,
		KeepUploads: 72 * time.Hour, KeepUnfinished: 24 * time.Hour,
	}
	deps := Deps{
		Bus: b, Redis: client, Bucket: store.Bucket(bucket.Bucket), Users: auth.NewSigner(UserIssuer, key),
		Twirp: serve.NewTwirpServer(telemetry.Discard(), registry), Log: telemetry.Discard(), Metrics: registry, Settings: settings,
	}
	for _, f := range change {
		f(&portalConfig, &deps)
	}
	s, err := New(portalConfig, deps)
	require.NoError(t, err)
	verifier := auth.NewVerifier([]auth.Issuer{{Name: UserIssuer, Kind: auth.KindUser, Key: public}}, Name)
	run(t, s)
	return &portal{s, listen(t, s, verifier), b, verifier}
}

// listen serves the portal's routes until the test ends.
func listen(t *testing.T, s *Service, verifier *auth.Verifier) string {
	t.Helper()
	trace, err := telemetry.NewTracing(t.Context(), "test", "")
	require.NoError(t, err)
	server, err := serve.Listen(t.Context(), "127.0.0.1:0", "127.0.0.1:0", trace, telemetry.Discard())
	require.NoError(t, err)
	require.NoError(t, server.Mount(s.Routes(), verifier))
	run(t, server)
	return server.PublicURL()
}

// connect reaches a NATS account and a Redis of the test's own.
func connect(t *testing.T) (*bus.Bus, *redis.Client) {
	t.Helper()
	account := meshtest.NATS(t)
	trace, err := telemetry.NewTracing(t.Context(), "test", "")
	require.NoError(t, err)
	b, err := bus.Connect(bus.Config{URL: account.URL, Name: "owner", Option: account.Option()}, trace, telemetry.Discard())
	require.NoError(t, err)
	t.Cleanup(b.Close)
	require.NoError(t, b.EnsureStreams(t.Context()))
	options, err := redis.ParseURL(meshtest.Redis(t))
	require.NoError(t, err)
	client := redis.NewClient(options)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return b, client
}

// run runs a portal, or what it stands on, until the test ends.
func run(t *testing.T, s interface {
	Run(ctx context.Context) error
}) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Errorf("the portal stopped: %v", err)
		}
	})
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
}

// token proves a user of a tenant.
func (p *portal) token(t *testing.T, tenant string, scopes ...auth.Scope) string {
	t.Helper()
	id := &auth.Identity{Kind: auth.KindUser, Subject: "anna", Tenant: tenant, Scopes: scopes}
	token, err := p.deps.Users.Issue(id, auth.AudienceUsers, time.Hour)
	require.NoError(t, err)
	return token
}

// api calls the Portal API as a user of a tenant.
func (p *portal) api(t *testing.T, tenant string, scopes ...auth.Scope) portalv1.Portal {
	t.Helper()
	return portalv1.NewPortalProtobufClient(p.url, &bearer{client(t), p.token(t, tenant, scopes...)}, serve.ClientOption())
}

// client is an HTTP client that leaves nothing open behind it, and follows no
// redirect.
func client(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// bearer sends a token along.
type bearer struct {
	*http.Client
	token string
}

func (b *bearer) Do(r *http.Request) (*http.Response, error) {
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.Client.Do(r)
}

// browser keeps cookies.
func browser(t *testing.T) *http.Client {
	t.Helper()
	c := client(t)
	var err error
	c.Jar, err = cookiejar.New(nil)
	require.NoError(t, err)
	return c
}

// ask sends a request and returns the answer, whose body is closed with the test.
func ask(t *testing.T, c *http.Client, method, address string, headers ...string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	require.NoError(t, err)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := c.Do(request)
	require.NoError(t, err)
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

// link makes a log-in link and returns its path on this portal.
func (p *portal) link(t *testing.T, next string) string {
	t.Helper()
	made, err := p.api(t, "acme", auth.Read, auth.Write).CreateLoginLink(t.Context(), &portalv1.CreateLoginLinkRequest{Next: next})
	require.NoError(t, err)
	u, err := url.Parse(made.GetUrl())
	require.NoError(t, err)
	require.Equal(t, "portal.example", u.Host)
	return p.url + u.RequestURI()
}

// changed says that a job of a tenant has changed.
func changed(t *testing.T, tenant, id string) bus.Outgoing {
	t.Helper()
	data, err := proto.Marshal(&jobv1.JobChanged{Job: &jobv1.Job{Id: id, Tenant: tenant}})
	require.NoError(t, err)
	return bus.Outgoing{Subject: subjects.JobChanged.Changed(id, "reading"), Tenant: tenant, Data: data}
}

// tell publishes that a job of a tenant has changed.
func (p *portal) tell(t *testing.T, tenant, id string) {
	t.Helper()
	require.NoError(t, p.bus.Publish(t.Context(), []bus.Outgoing{changed(t, tenant, id)})[0])
}
