package mediatime

import (
	"sort"
	"time"
)

// leapSeconds lists from when on UTC is how many seconds behind TAI. Source:
// IERS Bulletin C (the last entry holds at least until June 2027). Before 1972
// UTC ran at another rate; ten seconds is the value that POSIX tools use there.
var leapSeconds = []struct {
	utc    int64 // Unix seconds from which the offset holds
	offset int64 // TAI - UTC, seconds
}{
	{63072000, 10}, {78796800, 11}, {94694400, 12}, {126230400, 13}, {157766400, 14},
	{189302400, 15}, {220924800, 16}, {252460800, 17}, {283996800, 18}, {315532800, 19},
	{362793600, 20}, {394329600, 21}, {425865600, 22}, {489024000, 23}, {567993600, 24},
	{631152000, 25}, {662688000, 26}, {709948800, 27}, {741484800, 28}, {773020800, 29},
	{820454400, 30}, {867715200, 31}, {915148800, 32}, {1136073600, 33}, {1230768000, 34},
	{1341100800, 35}, {1435708800, 36}, {1483228800, 37},
}

// FromUTC converts a UTC instant to TAI. It returns ErrOutOfRange beyond +-292
// years.
func FromUTC(t time.Time) (Time, error) {
	sec := t.Unix()
	i := sort.Search(len(leapSeconds), func(i int) bool { return leapSeconds[i].utc > sec })
	offset := leapSeconds[0].offset
	if i > 0 {
		offset = leapSeconds[i-1].offset
	}
	return FromSeconds(sec+offset, int64(t.Nanosecond()))
}

// UTC converts to UTC. Within an inserted leap second, which time.Time cannot
// express, it returns the second that follows.
func (t Time) UTC() time.Time {
	sec, nanos := int64(t/Second), int64(t%Second)
	i := sort.Search(len(leapSeconds), func(i int) bool { return leapSeconds[i].utc+leapSeconds[i].offset > sec })
	offset := leapSeconds[0].offset
	if i > 0 {
		offset = leapSeconds[i-1].offset
	}
	return time.Unix(sec-offset, nanos).UTC()
}
