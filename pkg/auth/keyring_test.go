package auth_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/auth"
)

func readFile(t *testing.T, parts ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(parts...))
	require.NoError(t, err)
	return b
}

// Keys that are there stay, new ones are added, and nobody else may read any.
func TestEnsureKeepsKeys(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	before := readFile(t, m.dir, "job-api.key")
	require.NoError(t, m.Ensure(map[string]auth.Kind{"job-api": auth.KindService, "reader": auth.KindService}))
	require.Equal(t, before, readFile(t, m.dir, "job-api.key"))
	issuers, err := m.Issuers()
	require.NoError(t, err)
	require.Len(t, issuers, 2, "trust is as the last call says")
	entries, err := os.ReadDir(m.dir)
	require.NoError(t, err)
	for _, entry := range entries {
		info, err := entry.Info()
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, entry.Name())
	}
	require.NotContains(t, string(readFile(t, m.dir, "trust.json")), string(before), "trust has public keys only")
}

func TestBrokenKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keyring := auth.OpenKeyring(dir)
	_, err := keyring.Issuers()
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = keyring.Signer("job-api")
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "job-api")

	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("job-api.key", "short")
	_, err = keyring.Signer("job-api")
	require.ErrorContains(t, err, "5 bytes, want 32")
	require.Error(t, keyring.Ensure(map[string]auth.Kind{"job-api": auth.KindService}), "a key that is broken is not replaced unseen")
	write("trust.json", "[{]")
	_, err = keyring.Issuers()
	require.ErrorContains(t, err, "trust.json")
	write("trust.json", `[{"name": "job-api", "kind": "service", "key": "AAAA"}]`)
	_, err = keyring.Issuers()
	require.ErrorContains(t, err, "job-api has 3 bytes, want 32")
}

func TestNATSSeeds(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	_, err := m.NATSOption("job-api")
	require.Error(t, err, "there is none yet")
	public, err := m.NATSUser("job-api")
	require.NoError(t, err)
	require.True(t, nkeys.IsValidPublicUserKey(public))
	again, err := m.NATSUser("job-api")
	require.NoError(t, err)
	require.Equal(t, public, again)
	option, err := m.NATSOption("job-api")
	require.NoError(t, err)
	require.NotNil(t, option)
	require.NoError(t, os.WriteFile(filepath.Join(m.dir, "job-api.nk"), []byte("SUNONSENSE"), 0o600))
	_, err = m.NATSUser("job-api")
	require.ErrorContains(t, err, "job-api")
}
