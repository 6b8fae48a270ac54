package mesh

import (
	"fmt"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/embed"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	"github.com/grainmesh/grainmesh/services/origin"
	portalbff "github.com/grainmesh/grainmesh/services/portal-bff"
)

// Identities that issue tokens and are no services.
const (
	UserIssuer = portalbff.UserIssuer // issues users' tokens
	PlayIssuer = origin.PlayIssuer    // issues links to play
)

// signs says which identities, beside its own, a service signs as.
func signs(service string) []string {
	switch service {
	case portalbff.Name:
		return []string{UserIssuer}
	case origin.Name:
		return []string{PlayIssuer}
	default:
		return nil
	}
}

// EnsureKeys makes the keys of every identity of a mesh whose services all run from
// one folder, and returns who may connect to its NATS.
func EnsureKeys(dir string) (*auth.Keyring, []embed.User, error) {
	keyring := auth.OpenKeyring(dir)
	identities := map[string]auth.Kind{UserIssuer: auth.KindUser, PlayIssuer: auth.KindPlay}
	for _, name := range Names() {
		identities[name] = auth.KindService
	}
	if err := keyring.Ensure(identities); err != nil {
		return nil, nil, err
	}
	var users []embed.User
	for name, permission := range subjects.Permissions() {
		key, err := keyring.NATSUser(name)
		if err != nil {
			return nil, nil, fmt.Errorf("keys of %s: %w", name, err)
		}
		users = append(users, embed.User{Name: name, PublicKey: key, Publish: permission.Publish, Subscribe: permission.Subscribe})
	}
	return keyring, users, nil
}
