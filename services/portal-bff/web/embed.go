// Package web holds the portal's pages, built by `make web` and embedded in the
// binary. It compiles before they are built, too: there is no index.html then.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Pages returns the built pages, index.html at the root.
func Pages() fs.FS {
	pages, err := fs.Sub(dist, "dist")
	if err != nil {
		// fs.Sub fails on an invalid path only, and this one is a constant.
		return dist
	}
	return pages
}
