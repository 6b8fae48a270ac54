// Package window chooses the grains that show a range of a Flow's time line.
//
// A picture is wanted if it starts within the range; bounds within a microsecond
// of a picture's start mean that start (media rule 5). What is wanted may need
// pictures that are not: the choice starts at the last random access point from
// which every wanted picture decodes, and goes on, in decode order, to the last
// one that is wanted:
//
//	decode order   I0 P3 B1 B2  I6 B4 B5  P9 B7 B8       I6 is an open GOP
//	want [4, 8)    ------------------------------        from I0, for B4 needs P3
//	want [6, 8)                 I6 .. ..  P9 B7          from I6, without its leading B4, B5
//
// The pictures before and between that are carried but not wanted are hidden by
// an edit list, in containers that have one; in others the window grows to what
// is carried (rule 12).
//
// Audio is chosen by the grains that cover the range, with a number of grains
// before them for decoders to settle on, and the samples to cut off.
package window
