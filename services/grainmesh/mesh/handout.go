package mesh

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/grainmesh/grainmesh/pkg/embed"
	"github.com/grainmesh/grainmesh/pkg/subjects"
)

// Folders and files that HandOut writes.
const (
	// KeysFolder holds every key. It stays with the administrator.
	KeysFolder = "keys"
	// IdentitiesFolder holds a folder for each service, with what that service may have.
	IdentitiesFolder = "identities"
	// AccountsFile is who may connect to NATS, to be included by its configuration.
	AccountsFile = "nats/accounts.conf"
)

// HandOut makes, below a folder, what a mesh takes whose services run apart: the keys,
// again for each service its own, and the accounts of NATS. Keys that are there stay,
// so that it may be repeated, as after a change of what a service may do on NATS.
func HandOut(dir string) error {
	keys := filepath.Join(dir, KeysFolder)
	_, users, err := EnsureKeys(keys)
	if err != nil {
		return err
	}
	for _, name := range Names() {
		if err := handOutTo(name, keys, filepath.Join(dir, IdentitiesFolder, name)); err != nil {
			return err
		}
	}
	return write(filepath.Join(dir, AccountsFile), []byte(natsAccounts(users)))
}

// handOutTo copies to a service's folder the keys that it has, and whom it trusts.
func handOutTo(service, keys, to string) error {
	files := []string{"trust.json", service + ".key"}
	if _, ok := subjects.Permissions()[service]; ok {
		files = append(files, service+".nk")
	}
	for _, name := range signs(service) {
		files = append(files, name+".key")
	}
	for _, file := range files {
		data, err := os.ReadFile(filepath.Join(keys, file))
		if err != nil {
			return fmt.Errorf("keys of %s: %w", service, err)
		}
		if err := write(filepath.Join(to, file), data); err != nil {
			return err
		}
	}
	return nil
}

func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the folder of %s: %w", path, err)
	}
	if err := renameio.WriteFile(path, data, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// natsAccounts writes the part of a NATS server's configuration that says who may
// connect, and what for. Nobody else may: there is no user without a key.
func natsAccounts(users []embed.User) string {
	users = slices.SortedFunc(slices.Values(users), func(a, b embed.User) int { return cmp.Compare(a.Name, b.Name) })
	var out strings.Builder
	out.WriteString("# Made by `grainmesh keys`; what an identity may do is stated in pkg/subjects.\n")
	fmt.Fprintf(&out, "system_account: %s\naccounts {\n  %[1]s {}\n  %s {\n    jetstream: enabled\n    users: [\n", embed.SystemAccount, embed.MainAccount)
	for _, user := range users {
		publish := "allow: " + list(user.Publish)
		if len(user.Publish) == 0 {
			publish = `deny: [">"]` // an empty list would allow everything
		}
		subscribe := append([]string{embed.InboxPrefix(user.Name) + ".>"}, user.Subscribe...)
		fmt.Fprintf(&out, "      # %s\n      {nkey: %s, permissions: {\n        publish: {%s}\n        subscribe: {allow: %s}\n      }}\n",
			user.Name, user.PublicKey, publish, list(subscribe))
	}
	out.WriteString("    ]\n  }\n}\n")
	return out.String()
}

// list writes subjects as the configuration of NATS has them.
func list(patterns []string) string {
	quoted := make([]string, len(patterns))
	for i, subject := range patterns {
		quoted[i] = fmt.Sprintf("%q", subject)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
