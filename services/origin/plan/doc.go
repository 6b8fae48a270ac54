// Package plan decides where HLS segments begin and end. It knows times and sizes
// of grains and nothing of bytes, so that the same index always gives the same
// segments, whether it was read at once or while it grew.
//
// # The grid
//
// All renditions of a presentation are cut by one grid of [Cell]s. Where there is
// video, [Video] makes the grid: a cell holds whole groups of pictures and is at
// least Limits.Min long, at most Limits.Max. Where there is none, or after its end,
// [Uniform] makes cells of Limits.Min.
//
// Each rendition then has one [Span] a cell, in ticks of its own clock. Pictures
// belong to the cell that holds their place in decode order; coded audio is cut at
// the frame border that is nearest to the border of the cells, raw audio at the
// nearest sample ([Audio]). Spans tile the time line of their rendition: each
// starts where the one before it ended, so that the lengths in a playlist add up
// and nothing is ever told twice.
//
// # Gaps
//
// What is missing from the store stays missing on the time line: times of media
// never move. A cell without video becomes a span that is Empty, which playlists
// mark as a gap, and media goes on after it with its own times.
//
// # Growth
//
// Cells and spans are only ever added. A planner is told of grains in order and
// emits a span when nothing that may come can change it.
package plan
