package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/serve"
	analyserv1 "github.com/grainmesh/grainmesh/rpc/analyser/v1"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
	originv1 "github.com/grainmesh/grainmesh/rpc/origin/v1"
	portalv1 "github.com/grainmesh/grainmesh/rpc/portal/v1"
	"github.com/grainmesh/grainmesh/services/grainmesh/mesh"
)

// client talks to a mesh in a user's name.
type client struct {
	base     string
	operator string // where /readyz tells most
	http     *http.Client
	jobs     jobv1.Jobs
	flows    mediastorev1.Flows
	analyser analyserv1.Analyser
	playback originv1.Playback
	portal   portalv1.Portal
}

// adminTTL is how long a token lives that the command line makes for itself.
const adminTTL = time.Hour

// localTokens signs tokens for the admin of a local mesh, whose keys lie in its
// folder. Each is made when it is needed: a job may be watched for longer than one
// lives.
func localTokens(dir, tenant string) (serve.TokenSource, error) {
	if !auth.ValidTenant(tenant) {
		return nil, usage("--tenant is %q, want 1 to %d letters, digits or any of - _ .", tenant, auth.MaxTenant)
	}
	signer, err := auth.OpenKeyring(filepath.Join(dir, "keys")).Signer(mesh.UserIssuer)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w (%s holds no keys)", errNotRunning, dir)
	}
	if err != nil {
		return nil, err
	}
	admin := &auth.Identity{Subject: "admin", Tenant: tenant, Scopes: auth.UserScopes()}
	return func(context.Context) (string, error) { return signer.Issue(admin, auth.AudienceUsers, adminTTL) }, nil
}

// connect finds the mesh to talk to: the one named by --api, else the local one.
func connect(cmd *cli.Command) (*client, error) {
	base, token := strings.TrimSuffix(cmd.String("api"), "/"), cmd.String("token")
	tokens := func(context.Context) (string, error) { return token, nil }
	if base != "" {
		if token == "" {
			return nil, usage("--api needs --token or GRAINMESH_TOKEN")
		}
		return newClient(base, base, tokens), nil
	}
	state, err := readState(cmd.String("data"))
	if err != nil {
		return nil, err
	}
	if token == "" {
		if tokens, err = localTokens(cmd.String("data"), cmd.String("tenant")); err != nil {
			return nil, err
		}
	}
	return newClient(state.PublicURL, cmp.Or(state.InternalURL, state.PublicURL), tokens), nil
}

func newClient(base, operator string, tokens serve.TokenSource) *client {
	httpClient := serve.NewHTTPClient(tokens)
	option := serve.ClientOption()
	return &client{
		base: base, operator: operator, http: httpClient,
		jobs:     jobv1.NewJobsProtobufClient(base, httpClient, option),
		flows:    mediastorev1.NewFlowsProtobufClient(base, httpClient, option),
		analyser: analyserv1.NewAnalyserProtobufClient(base, httpClient, option),
		playback: originv1.NewPlaybackProtobufClient(base, httpClient, option),
		portal:   portalv1.NewPortalProtobufClient(base, httpClient, option),
	}
}
