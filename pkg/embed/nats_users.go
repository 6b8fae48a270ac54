package embed

import (
	"cmp"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/grainmesh/grainmesh/pkg/subjects"
)

// User is one who may connect to the embedded NATS, and what for. Everything
// that is not allowed is refused.
type User struct {
	// Name of the identity: one subject token.
	Name string
	// Account the user belongs to; empty means [MainAccount].
	Account string
	// PublicKey is the user's nkey ("U..."); the seed stays with its holder.
	PublicKey string
	// Password serves users without a key.
	Password string
	// Publish and Subscribe are the subjects allowed, with wildcards. A user
	// may always subscribe below its own inbox prefix ([InboxPrefix]), and
	// below no other's.
	Publish, Subscribe []string
	// Responses allows one answer to each request that reaches the user.
	Responses bool
}

// InboxPrefix is below which an identity receives answers, and nobody else
// does. Clients must set it (nats.CustomInboxPrefix).
func InboxPrefix(name string) string { return subjects.InboxPrefix(name) }

// Identity is the client's side of a [User] with a key.
type Identity struct {
	// Name as in [User].
	Name string
	// PublicKey as in [User].
	PublicKey string

	key nkeys.KeyPair
}

// NewIdentity makes an identity with a fresh key.
func NewIdentity(name string) (Identity, error) {
	key, err := nkeys.CreateUser()
	if err != nil {
		return Identity{}, fmt.Errorf("make key of %s: %w", name, err)
	}
	return identity(name, key)
}

// IdentityOf makes an identity from the seed of its key ("SU...").
func IdentityOf(name, seed string) (Identity, error) {
	key, err := nkeys.FromSeed([]byte(seed))
	if err != nil {
		return Identity{}, fmt.Errorf("read key of %s: %w", name, err)
	}
	return identity(name, key)
}

func identity(name string, key nkeys.KeyPair) (Identity, error) {
	public, err := key.PublicKey()
	if err != nil {
		return Identity{}, fmt.Errorf("read key of %s: %w", name, err)
	}
	return Identity{Name: name, PublicKey: public, key: key}, nil
}

// Seed is the secret from which [IdentityOf] makes the identity again.
func (i Identity) Seed() (string, error) {
	seed, err := i.key.Seed()
	if err != nil {
		return "", fmt.Errorf("read seed of %s: %w", i.Name, err)
	}
	return string(seed), nil
}

// User is the server's side of the identity.
func (i Identity) User(publish, subscribe []string) User {
	return User{Name: i.Name, PublicKey: i.PublicKey, Publish: publish, Subscribe: subscribe}
}

// Options are what a client needs to connect as this identity.
func (i Identity) Options() []nats.Option {
	return []nats.Option{
		nats.Name(i.Name),
		nats.Nkey(i.PublicKey, i.key.Sign),
		nats.CustomInboxPrefix(InboxPrefix(i.Name)),
	}
}

// authenticator decides who may connect. The server's own lists of users are
// fixed at its start; this one grows while it runs, which gives each test an
// account of its own for a fraction of a millisecond.
type authenticator struct {
	mu       sync.RWMutex
	accounts map[string]*server.Account
	byKey    map[string]User
	byName   map[string]User // those with a password
}

var _ server.Authentication = (*authenticator)(nil)

func newAuthenticator() *authenticator {
	return &authenticator{
		accounts: map[string]*server.Account{},
		byKey:    map[string]User{},
		byName:   map[string]User{},
	}
}

func (a *authenticator) setAccount(name string, account *server.Account) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.accounts[name] = account
}

func (a *authenticator) add(user User) error {
	if user.Name == "" || strings.ContainsAny(user.Name, ".*> \t\r\n") {
		return errors.New("the name must be one subject token")
	}
	if (user.PublicKey == "") == (user.Password == "") {
		return errors.New("either a key or a password is needed")
	}
	if user.PublicKey != "" && !nkeys.IsValidPublicUserKey(user.PublicKey) {
		return errors.New("not a public user key")
	}
	user.Account = cmp.Or(user.Account, MainAccount)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.accounts[user.Account] == nil {
		return fmt.Errorf("no account %s", user.Account)
	}
	if user.PublicKey != "" {
		a.byKey[user.PublicKey] = user
	} else {
		a.byName[user.Name] = user
	}
	return nil
}

// Check lets a client in, or not. The server calls it for each connection.
func (a *authenticator) Check(c server.ClientAuthentication) bool {
	if c.Kind() != server.CLIENT {
		return false
	}
	opts := c.GetOpts()
	a.mu.RLock()
	defer a.mu.RUnlock()
	var user User
	if opts.Nkey != "" {
		user = a.byKey[opts.Nkey]
		if user.Name == "" || !signed(opts.Nkey, opts.Sig, c.GetNonce()) {
			return false
		}
	} else {
		user = a.byName[opts.Username]
		if user.Name == "" || subtle.ConstantTimeCompare([]byte(user.Password), []byte(opts.Password)) != 1 {
			return false
		}
	}
	c.RegisterUser(&server.User{
		Username:    user.Name,
		Account:     a.accounts[user.Account],
		Permissions: permissions(user),
	})
	return true
}

// signed tells whether the holder of the key signed this connection's nonce.
func signed(publicKey, signature string, nonce []byte) bool {
	sig, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil {
		return false
	}
	key, err := nkeys.FromPublicKey(publicKey)
	return err == nil && key.Verify(nonce, sig) == nil
}

// permissions never returns an empty list, which the server reads as
// "everything".
func permissions(user User) *server.Permissions {
	p := &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: user.Publish},
		Subscribe: &server.SubjectPermission{Allow: append([]string{InboxPrefix(user.Name) + ".>"}, user.Subscribe...)},
	}
	if len(user.Publish) == 0 {
		p.Publish.Deny = []string{">"}
	}
	if user.Responses {
		p.Response = &server.ResponsePermission{
			MaxMsgs: server.DEFAULT_ALLOW_RESPONSE_MAX_MSGS,
			Expires: server.DEFAULT_ALLOW_RESPONSE_EXPIRATION,
		}
	}
	return p
}
