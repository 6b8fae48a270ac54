// Package proc runs child processes under supervision: ffmpeg, engines, the
// embedded servers.
//
// The promise: a child never outlives its [Process]. It is the leader of a
// process group of its own, so that a Ctrl-C in the terminal reaches only us
// and so that its own children are killed with it; whatever is left of the
// group when the leader ends is killed. If this process dies, even by SIGKILL,
// the kernel kills the child (PR_SET_PDEATHSIG).
//
// The life of a child:
//
//	Start ──> running ──(exits, crashes)──────────────────────────> ended
//	             │                                                    ▲
//	             └─(Stop, context done)─> StopSignal ─> ends in time ─┤
//	                                          └─ StopGrace over ─> SIGKILL
//
// Why it ended is kept in [Exit]: code or signal, whether we asked for it,
// and the tail of what it wrote to stderr.
//
// The parent-death signal follows the thread that started the child, not the
// process: when that thread ends the child is killed although we live on. Each
// child is therefore started and awaited by one goroutine locked to its thread.
//
// The package needs Linux.
package proc
