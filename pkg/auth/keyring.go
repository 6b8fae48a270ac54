package auth

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// Keyring is a folder with the trust of a mesh: trust.json and a key file for each
// identity that runs here.
type Keyring struct{ dir string }

const trustFile = "trust.json"

// OpenKeyring names the folder; nothing is read yet.
func OpenKeyring(dir string) *Keyring { return &Keyring{dir} }

// Issuers returns everyone whose tokens are believed.
func (k *Keyring) Issuers() ([]Issuer, error) {
	path := filepath.Join(k.dir, trustFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read trusted keys: %w", err)
	}
	var issuers []Issuer
	if err := json.Unmarshal(data, &issuers); err != nil {
		return nil, fmt.Errorf("trusted keys in %s: %w", path, err)
	}
	for _, issuer := range issuers {
		if len(issuer.Key) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("trusted keys in %s: the key of %s has %d bytes, want %d", path, issuer.Name, len(issuer.Key), ed25519.PublicKeySize)
		}
	}
	return issuers, nil
}

// Signer returns the signer of one identity.
func (k *Keyring) Signer(name string) (*Signer, error) {
	seed, err := os.ReadFile(k.keyPath(name))
	if err != nil {
		return nil, fmt.Errorf("read the key of %s: %w", name, err)
	}
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("the key of %s in %s has %d bytes, want %d", name, k.keyPath(name), len(seed), ed25519.SeedSize)
	}
	return NewSigner(name, ed25519.NewKeyFromSeed(seed)), nil
}

func (k *Keyring) keyPath(name string) string { return filepath.Join(k.dir, name+".key") }

// Ensure makes the keys that are missing, and lists all identities as trusted. It
// is how a local mesh and tests begin; elsewhere keys are made one by one and only
// public halves are brought together.
func (k *Keyring) Ensure(identities map[string]Kind) error {
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of keys: %w", err)
	}
	issuers := make([]Issuer, 0, len(identities))
	for _, name := range slices.Sorted(maps.Keys(identities)) {
		public, err := k.ensureKey(name)
		if err != nil {
			return err
		}
		issuers = append(issuers, Issuer{name, identities[name], public})
	}
	data, err := json.MarshalIndent(issuers, "", "\t")
	if err != nil {
		return fmt.Errorf("encode trusted keys: %w", err)
	}
	if err := renameio.WriteFile(filepath.Join(k.dir, trustFile), data, 0o600); err != nil {
		return fmt.Errorf("write trusted keys: %w", err)
	}
	return nil
}

func (k *Keyring) ensureKey(name string) (ed25519.PublicKey, error) {
	signer, err := k.Signer(name)
	if err == nil {
		return signer.key.Public().(ed25519.PublicKey), nil //nolint:forcetypeassert // the type of ed25519 keys
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key for %s: %w", name, err)
	}
	if err := renameio.WriteFile(k.keyPath(name), private.Seed(), 0o600); err != nil {
		return nil, fmt.Errorf("write the key of %s: %w", name, err)
	}
	return public, nil
}

func (k *Keyring) natsPath(name string) string { return filepath.Join(k.dir, name+".nk") }

// NATSUser returns the public nkey of an identity, making its seed if it has none.
func (k *Keyring) NATSUser(name string) (string, error) {
	seed, err := os.ReadFile(k.natsPath(name))
	if err == nil {
		pair, err := nkeys.FromSeed(seed)
		if err != nil {
			return "", fmt.Errorf("NATS seed of %s: %w", name, err)
		}
		return pair.PublicKey()
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the NATS seed of %s: %w", name, err)
	}
	pair, err := nkeys.CreateUser()
	if err != nil {
		return "", fmt.Errorf("make a NATS seed for %s: %w", name, err)
	}
	if seed, err = pair.Seed(); err != nil {
		return "", fmt.Errorf("make a NATS seed for %s: %w", name, err)
	}
	if err := renameio.WriteFile(k.natsPath(name), seed, 0o600); err != nil {
		return "", fmt.Errorf("write the NATS seed of %s: %w", name, err)
	}
	return pair.PublicKey()
}

// NATSOption proves an identity to NATS.
func (k *Keyring) NATSOption(name string) (nats.Option, error) {
	option, err := nats.NkeyOptionFromSeed(k.natsPath(name))
	if err != nil {
		return nil, fmt.Errorf("NATS seed of %s: %w", name, err)
	}
	return option, nil
}
