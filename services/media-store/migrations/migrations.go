// Package migrations holds the schema store, one numbered file a step.
package migrations

import "embed"

// FS holds the files.
//
//go:embed *.sql
var FS embed.FS
