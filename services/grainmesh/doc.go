// Package grainmesh is the whole mesh in one program: the command line (cli) and the
// all-in-one process (mesh). It is the only package that imports services.
package grainmesh
