// Package cli is the command line of Grainmesh.
//
// Exit codes:
//
//	0  done
//	1  something failed inside Grainmesh
//	2  the command or its input is wrong
//	3  the job ended as failed or cancelled
//	4  no mesh could be reached
//	5  what was asked for is not there, or not allowed
//
// and 130 when it was interrupted. The help says the same.
package cli
