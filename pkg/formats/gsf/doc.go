// Package gsf reads the Grain Sequence Format, majors 7 to 9, as a format of
// ingest. The codec is the package of the same name one level up.
//
// Each Flow in a file is a track, numbered by the local id of its first segment.
// Grains keep the headers, ids and times that the file gives them; a shift is
// added only when a job asks for one.
//
// A GSF has no index. What is known of it is what its head says and what a walk
// over the headers of its grains shows:
//
//	Probe  walks from the start and searches the end, within half a megabyte.
//	Plan   walks where grains are large; where they are small it jumps near the next
//	       border of a chunk and finds a grain there (media rule 19). Chunks start at
//	       key frames where there are any in reach.
//	Read   walks its chunk with essence, and cuts objects by the same rule by which
//	       Plan counted them.
//
// A grain's first time is that of the picture that is displayed at its place in
// decode order. So wherever the pictures before a place are all displayed before
// those after it, the time of the grain there divides the time line, and only
// there are chunks and objects cut.
package gsf
