package mesh

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
)

// s3Keys returns the account of the embedded S3, made at the first start.
func (m *mesh) s3Keys() (access, secret string, err error) {
	path := filepath.Join(m.dir, "keys", "s3")
	held, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		held = []byte("grainmesh:" + rand.Text())
		err = renameio.WriteFile(path, held, 0o600)
	}
	if err != nil {
		return "", "", fmt.Errorf("account of the embedded S3: %w", err)
	}
	access, secret, ok := strings.Cut(string(held), ":")
	if !ok {
		return "", "", fmt.Errorf("account of the embedded S3: %s has no key:secret", path)
	}
	return access, secret, nil
}
