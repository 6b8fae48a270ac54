package h264

// RAP says how decoding can start at a picture.
type RAP uint8

// The kinds of random access point.
const (
	// RAPNone: decoding cannot start here.
	RAPNone RAP = iota
	// RAPIDR: nothing after the picture, in decoding order, needs anything before it.
	RAPIDR
	// RAPOpen: an intra picture; pictures after it in decoding order and before
	// it in output order (leading pictures) may need what came before.
	RAPOpen
	// RAPRecovery: output is right a number of frames later only, as in streams
	// with intra refresh.
	RAPRecovery
)

// String names the kind.
func (r RAP) String() string {
	names := [...]string{"none", "idr", "open", "recovery"}
	if int(r) >= len(names) {
		return "unknown"
	}
	return names[r]
}

// Structure says what a picture is made of.
type Structure uint8

// The structures of a picture.
const (
	Frame Structure = iota
	TopField
	BottomField
	// TopFirst and BottomFirst are complementary field pairs in one access unit.
	TopFirst
	BottomFirst
)

// Picture holds the facts of one coded picture, or of a field pair that is
// framed as one.
type Picture struct {
	IDR   bool
	Intra bool // no slice is predicted from another picture
	// Disposable says that no other picture is predicted from it (nal_ref_idc 0).
	Disposable bool
	Structure  Structure
	FrameNum   uint32
	// POC is the lesser of the fields' order counts; it starts again at each IDR
	// picture.
	POC         int32
	HasRecovery bool
	Recovery    Recovery
	// Complete says that the picture brings along every parameter set seen so far,
	// so that none need be put in front of it to start decoding there.
	Complete bool
	SPS      *SPS
}

// RAP tells how decoding can start at the picture. An intra picture counts as
// an access point when a recovery point says so, when the profile or a single
// reference frame leaves nothing earlier to refer to, or when it is listed: when
// the container calls it a sync sample and the bitstream bears that out as far
// as it can. Pictures after a plain intra picture may otherwise refer to what
// came before it (x264 writes such pictures at scene cuts).
func (p *Picture) RAP(listed bool) RAP {
	switch {
	case p.IDR:
		return RAPIDR
	case p.HasRecovery && p.Recovery.FrameCount == 0 && p.Intra:
		return RAPOpen
	case p.Intra && p.SPS != nil && (p.SPS.IntraOnly() || p.SPS.MaxRefFrames == 1):
		return RAPOpen
	case p.HasRecovery:
		return RAPRecovery
	case p.Intra && listed:
		return RAPOpen
	}
	return RAPNone
}

// Pairs says whether q is the second field of the frame that p began (7.4.1.2.4,
// 3.30): the other parity, the same frame number, and not the start of a new
// sequence.
func (p *Picture) Pairs(q *Picture) bool {
	opposite := (p.Structure == TopField && q.Structure == BottomField) ||
		(p.Structure == BottomField && q.Structure == TopField)
	if !opposite || p.FrameNum != q.FrameNum || q.IDR {
		return false
	}
	return !p.Disposable || q.Disposable
}
