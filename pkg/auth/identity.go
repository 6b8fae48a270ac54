package auth

import (
	"context"
	"slices"

	"github.com/grainmesh/grainmesh/pkg/fault"
)

// Scope is something that a caller may do.
type Scope string

// Scopes. A user may have the first four; only services have Service.
const (
	Read    Scope = "read"
	Write   Scope = "write"
	Delete  Scope = "delete"
	Admin   Scope = "admin"
	Service Scope = "service"
	Play    Scope = "play"
)

// UserScopes lists what a user may be given.
func UserScopes() []Scope { return []Scope{Read, Write, Delete, Admin} }

// Kind is the kind of an issuer or caller.
type Kind string

// Kinds.
const (
	KindUser    Kind = "user"
	KindService Kind = "service"
	KindPlay    Kind = "play"
)

// Identity is who calls.
type Identity struct {
	Kind    Kind
	Subject string // user or service name
	Tenant  string
	Scopes  []Scope
	// Resource is the one Flow that a play token opens.
	Resource string
}

// Has says whether the caller has a scope. Admin has all of a user's.
func (i *Identity) Has(scope Scope) bool {
	if slices.Contains(i.Scopes, scope) {
		return true
	}
	return scope != Service && scope != Play && slices.Contains(i.Scopes, Admin)
}

// MaxTenant bounds a tenant's name, which is part of object keys.
const MaxTenant = 64

// ValidTenant says whether a name can be a tenant's: it can stand as one part of an
// object's key.
func ValidTenant(name string) bool {
	for i, c := range []byte(name) {
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || (c == '.' && i > 0)
		if !plain {
			return false
		}
	}
	return name != "" && len(name) <= MaxTenant
}

type identityKey struct{}

// WithIdentity returns a context of a call made by id.
func WithIdentity(ctx context.Context, id *Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, id)
}

// From returns who calls; nil if nobody has been proved.
func From(ctx context.Context) *Identity {
	id, _ := ctx.Value(identityKey{}).(*Identity)
	return id
}

// Proved is a fault if nobody has been proved to call.
func Proved(ctx context.Context) error {
	if From(ctx) == nil {
		return fault.New(fault.Unauthenticated, "this call needs a token: send it as Authorization: Bearer TOKEN")
	}
	return nil
}

// Require returns the caller if it has the scope, or a fault that says what is
// missing.
func Require(ctx context.Context, scope Scope) (*Identity, error) {
	if err := Proved(ctx); err != nil {
		return nil, err
	}
	id := From(ctx)
	if !id.Has(scope) {
		return nil, fault.Newf(fault.PermissionDenied, "%s %s has no scope %q", id.Kind, id.Subject, scope)
	}
	return id, nil
}

type tenantKey struct{}

// ForTenant returns a context whose calls to other services are made on behalf of
// a tenant.
func ForTenant(ctx context.Context, tenant string) context.Context {
	return context.WithValue(ctx, tenantKey{}, tenant)
}

// tenantOf returns the tenant on whose behalf an outgoing call is made: set by
// ForTenant, or that of the call being served.
func tenantOf(ctx context.Context) string {
	if tenant, ok := ctx.Value(tenantKey{}).(string); ok {
		return tenant
	}
	if id := From(ctx); id != nil {
		return id.Tenant
	}
	return ""
}
