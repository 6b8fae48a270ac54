package badinput_test

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/rangereader/rangetest"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

// badFile is a source that cannot be ingested.
type badFile struct {
	name string
	// make serves the file below a path of its own and returns its URL.
	make func(t *testing.T, s *source) string
	mime string
	code fault.Code
	// says are parts of the sentence, beside the name of the file.
	says []string
}

// source is the web server that a case puts its file on.
type source struct {
	*rangetest.Server
	path string
	// private is a server that the mesh may not read from.
	private *httptest.Server
}

// bytesOf serves a file as it is.
func bytesOf(b []byte) func(*testing.T, *source) string {
	return func(_ *testing.T, s *source) string { return s.Set(s.path, harness.File(b)) }
}

// faulty serves a WAV through a fault.
func faulty(f rangetest.Fault) func(*testing.T, *source) string {
	return func(_ *testing.T, s *source) string {
		s.MisbehaveAt(s.path, f)
		return s.Set(s.path, harness.File(harness.WAV(harness.SampleRate)))
	}
}

func movie(change func(film []byte) []byte) func(*testing.T, *source) string {
	return func(t *testing.T, s *source) string {
		t.Helper()
		film, err := os.ReadFile(harness.Movie(t))
		require.NoError(t, err)
		return s.Set(s.path, harness.File(change(film)))
	}
}

// box returns an MP4 box.
func box(kind string, body ...byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(8+len(body))), append([]byte(kind), body...)...)
}

// withoutIndex takes the moov away that stands before the mdat.
func withoutIndex(film []byte) []byte {
	at := 0
	for string(film[at+4:at+8]) != "moov" {
		at += int(binary.BigEndian.Uint32(film[at:]))
	}
	return slices.Delete(film, at, at+int(binary.BigEndian.Uint32(film[at:])))
}

// hugeBox is an MP4 whose second box has a size of 2^63 bytes.
func hugeBox() []byte {
	b := append(box("ftyp", []byte("isom\x00\x00\x02\x00isom")...), 0, 0, 0, 1)
	b = append(b, "moov"...)
	return append(binary.BigEndian.AppendUint64(b, 1<<63), make([]byte, 64)...)
}

// hugeRF64 gives its samples a size of 2^63 bytes in ds64.
func hugeRF64() []byte {
	wav := harness.WAV(harness.SampleRate)
	ds64 := append([]byte("ds64"), 28, 0, 0, 0)
	for _, n := range []uint64{uint64(len(wav)), 1 << 63, harness.SampleRate} {
		ds64 = binary.LittleEndian.AppendUint64(ds64, n)
	}
	b := append([]byte("RF64\xff\xff\xff\xffWAVE"), append(ds64, 0, 0, 0, 0)...)
	b = append(b, wav[12:harness.WAVHeader-4]...)
	return append(append(b, 0xff, 0xff, 0xff, 0xff), wav[harness.WAVHeader:]...)
}

// lyingWAV claims more samples than it has.
func lyingWAV() []byte {
	wav := harness.WAV(harness.SampleRate)
	binary.LittleEndian.PutUint32(wav[harness.WAVHeader-4:], uint32(len(wav)))
	return wav
}

// impossibleWAV has blocks that do not fit its channels.
func impossibleWAV() []byte {
	wav := harness.WAV(harness.SampleRate)
	binary.LittleEndian.PutUint16(wav[32:], 6)
	return wav
}

func badFiles() []badFile {
	const mp4, wav = "video/mp4", "audio/wav"
	return []badFile{
		{"mime type does not match", bytesOf(harness.WAV(harness.SampleRate)), mp4, fault.MIMEMismatch, []string{mp4, wav}},
		{"no format at all", bytesOf([]byte(strings.Repeat("nothing that anyone could play ", 100))), "", fault.UnsupportedFile, []string{"first bytes"}},
		{"no bytes", bytesOf(nil), wav, fault.EmptyFile, []string{"empty"}},
		{"mp4 without moov", movie(withoutIndex), mp4, fault.TruncatedFile, []string{"moov"}},
		{"mp4 with mdat cut", movie(func(film []byte) []byte { return film[:len(film)*2/3] }), mp4, fault.TruncatedFile, []string{"ends"}},
		{"mp4 cut in its moov", movie(func(film []byte) []byte { return film[:600] }), mp4, fault.TruncatedFile, []string{"moov"}},
		{"mp4 box of 2^63 bytes", bytesOf(hugeBox()), mp4, fault.MalformedFile, []string{"moov", "9223372036854775808"}},
		{"rf64 of 2^63 bytes", bytesOf(hugeRF64()), wav, fault.MalformedFile, []string{"ds64", "9223372036854775808"}},
		{"wav that claims more than it has", bytesOf(lyingWAV()), wav, fault.TruncatedFile, []string{"claims", "lies"}},
		{"wav whose blocks do not fit", bytesOf(impossibleWAV()), wav, fault.MalformedFile, []string{"blocks of 6 bytes"}},
		{"gsf cut inside a grain", cutGSF, "", fault.TruncatedFile, []string{"at byte", `block "grai"`, "ends inside"}},
		{"404", faulty(rangetest.Answer(http.StatusNotFound)), wav, fault.SourceNotFound, []string{"404"}},
		{"403", faulty(rangetest.Answer(http.StatusForbidden)), wav, fault.SourceForbidden, []string{"403"}},
		{"a page to log in", faulty(rangetest.Page()), wav, fault.SourceNotMedia, []string{"web page"}},
		{"no ranges of a large file", largeWithoutRanges, wav, fault.SourceNoRanges, []string{"without ranges"}},
		{"etag changes midway", faulty(rangetest.After(1, rangetest.Header("ETag", `"another"`))), wav, fault.SourceChanged, []string{"ETag"}},
		{"file replaced midway", faulty(rangetest.After(1, rangetest.Answer(http.StatusPreconditionFailed))), wav, fault.SourceChanged, []string{"412"}},
		{"private address", func(_ *testing.T, s *source) string { return "http://10.1.2.3" + s.path }, wav, fault.AddressRefused, []string{"10.1.2.3"}},
		{"private address by name", privateByName, wav, fault.AddressRefused, []string{"localhost", "resolves to"}},
		{"private address by redirect", privateByRedirect, wav, fault.AddressRefused, []string{"127.0.0.1"}},
		{"another's upload", func(_ *testing.T, s *source) string { return "s3://elsewhere/uploads/other" + s.path }, wav, fault.SourceForbidden, []string{"elsewhere"}},
	}
}

// largeWithoutRanges is more than is taken whole.
func largeWithoutRanges(_ *testing.T, s *source) string {
	s.MisbehaveAt(s.path, rangetest.NoRanges())
	return s.Set(s.path, rangetest.File{Content: rangetest.Pattern(1), Size: 64 << 20, ETag: `"large"`})
}

func privateByName(_ *testing.T, s *source) string {
	_, port, _ := strings.Cut(strings.TrimPrefix(s.private.URL, "http://"), ":")
	return "http://localhost:" + port + s.path
}

func privateByRedirect(_ *testing.T, s *source) string {
	s.MisbehaveAt(s.path, rangetest.Redirect(s.private.URL+s.path))
	return s.Set(s.path, harness.File(nil))
}

func TestBadFilesAreNamed(t *testing.T) {
	t.Parallel()
	mesh := harness.New(t, harness.Options{})
	database := mesh.Database(t)
	private := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the mesh read from a private server")
	}))
	t.Cleanup(private.Close)
	for i, c := range badFiles() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tenant := fmt.Sprintf("tenant-%d", i)
			user := mesh.User(t, tenant)
			url := c.make(t, &source{mesh.Source, fmt.Sprintf("/bad-%d.media", i), private})

			job := user.Await(t, user.Submit(t, &jobv1.IngestSpec{Url: url, MimeType: c.mime, NewIds: true}).GetId())

			require.Equal(t, jobv1.JobState_JOB_STATE_FAILED, job.GetState())
			failure := job.GetFailure()
			require.Equal(t, string(c.code), failure.GetCode(), failure.GetMessage())
			for _, part := range append(c.says, hostAndPath(url)) {
				require.Contains(t, failure.GetMessage(), part)
			}
			require.Equal(t, string(fault.Customer), failure.GetFault(), failure.GetMessage())
			require.False(t, failure.GetRetryable(), failure.GetMessage())
			requireNothingStored(t, user, database, tenant, job.GetFlowIds())
		})
	}
}

// hostAndPath is what every sentence about a file names it by, at least.
func hostAndPath(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	host, path, _ := strings.Cut(rest, "/")
	if strings.HasPrefix(host, "10.") || strings.HasPrefix(host, "localhost") {
		return host // refused before there was a file
	}
	return path
}
