package analyser

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/rangereader"
	"github.com/grainmesh/grainmesh/pkg/rangereader/rangetest"
	"github.com/grainmesh/grainmesh/pkg/sources"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	"github.com/grainmesh/grainmesh/pkg/urlguard"
	"github.com/grainmesh/grainmesh/pkg/work/worktest"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

func TestMain(m *testing.M) { meshtest.Main(m) }

// format is a format of a test: files of it begin with its magic.
type format struct {
	formats.Format
	name, mimeType, magic string
	probe                 func(in formats.Input) (*formats.Analysis, error)
}

func (f *format) Name() string           { return f.name }
func (f *format) MIMETypes() []string    { return []string{f.mimeType, f.mimeType + "-old"} }
func (f *format) Extensions() []string   { return []string{"." + f.name} }
func (f *format) Sniff(head []byte) bool { return bytes.HasPrefix(head, []byte(f.magic)) }

func (f *format) Probe(_ context.Context, in formats.Input) (*formats.Analysis, error) {
	return f.probe(in)
}

// tracks answers a probe with tracks that are skipped for the given reasons.
func tracks(skipped ...string) func(formats.Input) (*formats.Analysis, error) {
	return func(in formats.Input) (*formats.Analysis, error) {
		a := &formats.Analysis{Size: in.Size()}
		for i, why := range skipped {
			a.Tracks = append(a.Tracks, formats.Track{Number: i + 1, Skipped: why})
		}
		return a, nil
	}
}

// bundle is an analyser of two formats, and a server of files.
type bundle struct {
	*Service
	film, sound *format
	files       *rangetest.Server
	reports     *reports
}

// reports is an owner that is told of analyses.
type reports struct {
	jobv1.Reports
	analysis func(*jobv1.ReportAnalysisRequest) error
}

func (r *reports) ReportAnalysis(_ context.Context, in *jobv1.ReportAnalysisRequest) (*jobv1.ReportAnalysisResponse, error) {
	return &jobv1.ReportAnalysisResponse{}, r.analysis(in)
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{
		film:  &format{name: "film", mimeType: "video/x-film", magic: "FILM", probe: tracks("")},
		sound: &format{name: "sound", mimeType: "audio/x-sound", magic: "SOUND", probe: tracks("")},
		files: rangetest.New(t), reports: &reports{},
	}
	registry, err := formats.NewRegistry(b.film, b.sound)
	require.NoError(t, err)
	guard, err := urlguard.New(urlguard.Config{Allow: []string{b.files.Host()}})
	require.NoError(t, err)
	opener, err := rangereader.New(rangereader.Config{Guard: guard})
	require.NoError(t, err)
	t.Cleanup(opener.Close)
	config := Config{Policy: worktest.Policy()}
	b.Service, err = New(config, Deps{Reports: b.reports, Sources: sources.New(opener, "media"), Formats: registry})
	require.NoError(t, err)
	return b
}

// serve puts a file on the server and returns its URL.
func (b *bundle) serve(content string) string {
	return b.files.Set("/file", rangetest.File{Content: bytes.NewReader([]byte(content)), Size: int64(len(content)), ETag: `"one"`})
}

func (b *bundle) run(t *testing.T, url, mimeType string) (*formats.Analysis, error) {
	t.Helper()
	analysis, _, err := b.analyse(t.Context(), "acme", url, mimeType, func(in formats.Input) formats.Input { return in })
	return analysis, err
}

func TestTheFormatIsChosen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ content, mimeType, want string }{
		"by its first bytes":             {"SOUND of rain", "", "sound"},
		"by its MIME type":               {"FILM of rain", "video/x-film", "film"},
		"by a MIME type with parameters": {"FILM of rain", "Video/X-Film-old; codecs=avc1", "film"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			a, err := b.run(t, b.serve(c.content), c.mimeType)
			require.NoError(t, err)
			require.Equal(t, c.want, a.Format)
			require.Equal(t, map[string]string{"film": "video/x-film", "sound": "audio/x-sound"}[c.want], a.MIMEType, "the usual one")
			require.Equal(t, `"one"`, a.ETag)
			require.EqualValues(t, len(c.content), a.Size)
		})
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content, mimeType string
		code              fault.Code
		text              string
	}{
		"of no format":              {"what is this", "", fault.UnsupportedFile, "its first bytes (77 68 61 74 20 69 73 20 74 68 69 73) are of no format"},
		"shorter than any head":     {"?", "", fault.UnsupportedFile, "its first bytes (3f)"},
		"of an unknown MIME type":   {"FILM", "video/x-nothing", fault.UnknownMIMEType, "known are video/x-film"},
		"of another MIME type":      {"SOUND", "video/x-film", fault.MIMEMismatch, "it was said to be video/x-film, and its first bytes are those of audio/x-sound"},
		"of a MIME type and no one": {"what", "video/x-film", fault.MIMEMismatch, "(77 68 61 74) are not"},
		"empty":                     {"", "video/x-film", fault.EmptyFile, "empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			_, err := b.run(t, b.serve(c.content), c.mimeType)
			require.Error(t, err)
			require.Equal(t, c.code, fault.Of(err).Code, "%v", err)
			require.ErrorContains(t, err, c.text)
			require.ErrorContains(t, err, "file", "it names the file")
			require.False(t, fault.Of(err).Retryable())
		})
	}
}

func TestFilesWithoutEssence(t *testing.T) {
	t.Parallel()
	b := setup(t)
	url := b.serve("FILM")
	b.film.probe = tracks()
	_, err := b.run(t, url, "")
	require.True(t, fault.Is(err, fault.NoEssence))
	require.ErrorContains(t, err, "it has no tracks")

	b.film.probe = tracks("codec vp09 is not supported", "it is a menu")
	_, err = b.run(t, url, "")
	require.True(t, fault.Is(err, fault.NoEssence))
	require.ErrorContains(t, err, "found were track 1 (codec vp09 is not supported), track 2 (it is a menu)")

	b.film.probe = tracks("it is a menu", "")
	a, err := b.run(t, url, "")
	require.NoError(t, err)
	require.Len(t, a.Tracks, 2, "what is skipped is listed")
}

func TestAFaultOfTheFormatNamesTheFile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.film.probe = func(formats.Input) (*formats.Analysis, error) {
		return nil, fault.New(fault.TruncatedFile, "ends inside a box")
	}
	_, err := b.run(t, b.serve("FILM"), "")
	require.True(t, fault.Is(err, fault.TruncatedFile))
	require.ErrorContains(t, err, "file: ends inside a box")
}

func TestAnAnalysisIsReported(t *testing.T) {
	t.Parallel()
	b := setup(t)
	queue := worktest.New(t, subjects.Analyse)
	var told []*jobv1.ReportAnalysisRequest
	b.reports.analysis = func(in *jobv1.ReportAnalysisRequest) error {
		told = append(told, in)
		if len(told) == 1 {
			return fault.New(fault.Unavailable, "job-api is away") // and back soon
		}
		return nil
	}
	started := &jobv1.StartWorkResponse{Epoch: 3, Tenant: "acme", JobId: uuid.NewString(), Document: &jobv1.StartWorkResponse_Analyse{
		Analyse: &jobv1.AnalyseDocument{Spec: &jobv1.IngestSpec{Url: b.serve("FILM of rain"), MimeType: "video/x-film"}},
	}}
	require.NoError(t, queue.Do(t, started, b.do))
	require.Len(t, told, 2)
	require.EqualValues(t, 3, told[1].GetEpoch())
	require.Equal(t, "film", told[1].GetAnalysis().GetFormat())
	require.EqualValues(t, 12, told[1].GetAnalysis().GetSize())
}

func TestAFailedAnalysisIsNotReported(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.reports.analysis = func(*jobv1.ReportAnalysisRequest) error { return errors.New("nobody shall be told") }
	b.files.Misbehave(rangetest.Answer(http.StatusForbidden))
	started := &jobv1.StartWorkResponse{Tenant: "acme", Document: &jobv1.StartWorkResponse_Analyse{
		Analyse: &jobv1.AnalyseDocument{Spec: &jobv1.IngestSpec{Url: b.serve("FILM")}},
	}}
	err := worktest.New(t, subjects.Analyse).Do(t, started, b.do)
	require.True(t, fault.Is(err, fault.SourceForbidden), "%v", err)
}

// A tenant's jobs may name its own uploads in the mesh's bucket, and nothing else.
func TestObjectsOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, url := range []string{"s3://media/uploads/other/film", "s3://media/objects/film", "s3://elsewhere/uploads/acme/film"} {
		_, err := b.run(t, url, "")
		require.Error(t, err)
		require.False(t, fault.Of(err).Retryable(), "%s: %v", url, err)
	}
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := New(Config{}, Deps{})
	require.ErrorContains(t, err, "analyser: ")
}

var _ jobv1.Reports = (*reports)(nil)
