// Package system takes files through the whole mesh and looks at everything that comes
// out, in one process and in many: the same test must pass in both.
package system
