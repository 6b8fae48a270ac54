package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/embed"
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

// runState is what a running local mesh writes down about itself.
type runState struct {
	PID       int    `json:"pid"`
	PublicURL string `json:"public_url"`
	// InternalURL is for services, and for operators.
	InternalURL string    `json:"internal_url"`
	Started     time.Time `json:"started"`
	// Env is how other processes join it, secrets and all.
	Env map[string]string `json:"env"`
}

const stateFile = "run.json"

// readState returns the state of the mesh in a folder; errNotRunning if there is
// none, or if its process is gone.
func readState(dir string) (*runState, error) {
	data, err := os.ReadFile(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNotRunning
	}
	if err != nil {
		return nil, fmt.Errorf("read the state of the mesh: %w", err)
	}
	var state runState
	if err = json.Unmarshal(data, &state); err != nil {
		return nil, fmt.Errorf("state of the mesh in %s: %w", dir, err)
	}
	// Whoever holds the folder runs; a process id may be another's by now.
	held, err := embed.InUse(dir)
	if err == nil && !held {
		err = errNotRunning
	}
	return &state, err
}

// adminTTL is how long a token lives that the command line makes for itself.
const adminTTL = time.Hour

// localToken signs a token for the admin of a local mesh, whose keys lie in its
// folder.
func localToken(dir, tenant string) (string, error) {
	signer, err := auth.OpenKeyring(filepath.Join(dir, "keys")).Signer(mesh.UserIssuer)
	if err != nil {
		return "", err
	}
	return signer.Issue(&auth.Identity{Subject: "admin", Tenant: tenant, Scopes: auth.UserScopes()}, auth.AudienceUsers, adminTTL)
}

// connect finds the mesh to talk to: the one named by --api, else the local one.
func connect(cmd *cli.Command) (*client, error) {
	base, token := strings.TrimSuffix(cmd.String("api"), "/"), cmd.String("token")
	operator := base
	if base == "" {
		state, err := readState(cmd.String("data"))
		if err != nil {
			return nil, err
		}
		base, operator = state.PublicURL, cmp.Or(state.InternalURL, state.PublicURL)
		if token == "" {
			if token, err = localToken(cmd.String("data"), cmd.String("tenant")); err != nil {
				return nil, err
			}
		}
	}
	if token == "" {
		return nil, usage("--api needs --token or GRAINMESH_TOKEN")
	}
	c := newClient(base, token)
	c.operator = operator
	return c, nil
}

func newClient(base, token string) *client {
	httpClient := serve.NewHTTPClient(func(context.Context) (string, error) { return token, nil })
	option := serve.ClientOption()
	return &client{
		base: base, http: httpClient,
		jobs:     jobv1.NewJobsProtobufClient(base, httpClient, option),
		flows:    mediastorev1.NewFlowsProtobufClient(base, httpClient, option),
		analyser: analyserv1.NewAnalyserProtobufClient(base, httpClient, option),
		playback: originv1.NewPlaybackProtobufClient(base, httpClient, option),
		portal:   portalv1.NewPortalProtobufClient(base, httpClient, option),
	}
}
