// Package mp4 is the format of MP4, QuickTime and fragmented MP4 files with
// H.264, AAC and PCM.
//
// Probe reads the index and one look at the first picture. Plan walks the sample
// tables, or the moof boxes, merges all tracks in the order of their bytes, and
// cuts objects where pictures on both sides of the cut do not mix in display
// order and where a look into the bitstream confirms a random access point. Read
// fetches what one chunk lists, each byte once, and needs no moov.
//
// Times: an edit list of one media edit moves the time line and trims it, empty
// edits before it are a gap; anything else is refused by name, for a Flow has one
// time line. Where time stamps fit a constant rate but for the rounding of their
// time scale, times come from counting; where they fit none, the Flow has a
// variable rate and a picture lasts until the next.
package mp4
