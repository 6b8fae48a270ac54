// Package up runs the program as a new user does: built once, started with nothing but
// a folder and a file, asked for a window, stopped, killed, and started again.
package up
