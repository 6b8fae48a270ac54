// Package window gives any range of a Flow as a file, and single grains.
//
// A window is planned from the grain indexes alone: which grains of which objects,
// and what to cut off the first and last of them (pkg/window chooses the pictures).
// Only then is anything answered, so that what cannot be given is an error and not
// a broken file. The bytes are then read by ranges, several at a time, and written
// in order as they come; a window of any length takes little memory beside its
// index. If a read fails on the way the connection is cut, which clients notice.
//
//	format  holds                              trim=exact
//	gsf     every Flow, multi Flows too        PCM, and pictures that are all key frames
//	mp4     H.264, AAC, PCM, multi Flows too   always, by edit list
//	mov     the same                           always, by edit list
//	wav     one PCM Flow                       always, to the sample
//	raw     one Flow's essence                 as gsf
//
// Where trim=exact cannot be, the answer is 409 and names what can.
package window
