// Package bench prints what a benchmark measured as a table and keeps it as JSON
// under bench/ of the repository, one file a benchmark. Each benchmark is a
// command in a folder below this one.
package bench
