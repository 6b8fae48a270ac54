package embed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/grainmesh/grainmesh/pkg/proc"
)

// systemHome is where clusters live that an unprivileged user runs, when that
// user cannot reach the folder it was meant for.
const systemHome = "/var/lib/grainmesh"

// passable is the mode of folders that another user must get through to its
// cluster, without seeing what is in them.
const passable = 0o711

// account is who runs Postgres, which refuses to run as root. The zero value
// is ourselves.
type account struct {
	uid, gid  int  // another user, when not 0
	namespace bool // that user only by name: root, in a user namespace
}

// apply makes a child run as the account.
func (a account) apply(attr *syscall.SysProcAttr) {
	switch {
	case a.namespace:
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: a.uid, HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: a.gid, HostID: os.Getegid(), Size: 1}}
	case a.uid != 0:
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
}

// own gives a file to the account.
func (a account) own(path string) error {
	if a.namespace || a.uid == 0 {
		return nil
	}
	return os.Chown(path, a.uid, a.gid)
}

// chooseAccount picks who runs Postgres for a folder, and the folder where the
// cluster then lives. For root that is root itself in a user namespace, which
// needs no other owner and reaches any folder; where namespaces are forbidden
// it is an unprivileged user. A cluster that exists keeps its owner.
func chooseAccount(ctx context.Context, cfg PostgresConfig) (string, account, error) {
	if os.Geteuid() != 0 {
		return cfg.Dir, account{}, nil
	}
	as, err := lookup("postgres", "nobody")
	if err != nil {
		return "", account{}, err
	}
	inside := account{uid: as.uid, gid: as.gid, namespace: true}
	if !cfg.noNamespace && ownedByRoot(filepath.Join(cfg.Dir, clusterName)) && inside.works(ctx) {
		return cfg.Dir, inside, nil
	}
	home, err := homeOfUnprivileged(cfg.Dir, systemHome)
	return home, as, err
}

// works tries whether a child can start as the account.
func (a account) works(ctx context.Context) bool {
	_, err := proc.Run(ctx, proc.Spec{Path: "true", Dir: "/", Attr: a.apply})
	return err == nil
}

// ownedByRoot is true also for what does not exist yet.
func ownedByRoot(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return true
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Uid == 0
}

// homeOfUnprivileged makes a folder for a user without rights: dir if that
// user can reach it, else one below system that stands for dir.
func homeOfUnprivileged(dir, system string) (string, error) {
	if !reachable(dir) {
		sum := sha256.Sum256([]byte(dir))
		dir = filepath.Join(system, hex.EncodeToString(sum[:8]))
	}
	if err := os.MkdirAll(dir, passable); err != nil {
		return "", fmt.Errorf("make folder for an unprivileged user: %w", err)
	}
	if err := os.Chmod(dir, passable); err != nil {
		return "", fmt.Errorf("open folder to an unprivileged user: %w", err)
	}
	return dir, nil
}

// reachable tells whether everybody may pass through the folders above path.
func reachable(path string) bool {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode()&0o001 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}

// lookup finds the first user that exists: initdb wants the one it runs as to
// have a name, also within a namespace.
func lookup(names ...string) (account, error) {
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(u.Uid)
		gid, gidErr := strconv.Atoi(u.Gid)
		if uidErr == nil && gidErr == nil && uid != 0 {
			return account{uid: uid, gid: gid}, nil
		}
	}
	return account{}, fmt.Errorf("postgres refuses to run as root, and there is none of the users %v", names)
}
