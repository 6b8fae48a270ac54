package tenants_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/grainmesh/grainmesh/pkg/serve"
)

const twirpTable = `
# What is made for B is new each time; of a key of A's it learns nothing.
POST /twirp/grainmesh.job.v1.Jobs/CreateJob   write 200* {"spec": {"url": "{b_url}"}, "idempotency_key": "{key}"}
POST /twirp/grainmesh.job.v1.Jobs/CreateJobs  write 200* {"jobs": [{"spec": {"url": "{b_url}"}, "idempotency_key": "{key}"}]}
POST /twirp/grainmesh.job.v1.Jobs/GetJob      read  404  {"id": "{job}"}
POST /twirp/grainmesh.job.v1.Jobs/ListJobs    read  200  {}
POST /twirp/grainmesh.job.v1.Jobs/ListJobs    read  200  {"text": "{job}"}
POST /twirp/grainmesh.job.v1.Jobs/ListJobs    read  200  {"text": "{label}"}
POST /twirp/grainmesh.job.v1.Jobs/CancelJob   write 404  {"id": "{job}"}
POST /twirp/grainmesh.job.v1.Jobs/RetryJob    write 404  {"id": "{job}"}
POST /twirp/grainmesh.job.v1.Jobs/ListChunks  read  404  {"job_id": "{job}"}
POST /twirp/grainmesh.job.v1.Jobs/TraceJob    read  404  {"id": "{job}"}
POST /twirp/grainmesh.job.v1.Jobs/ListFormats read  200  {}

POST /twirp/grainmesh.mediastore.v1.Flows/GetFlow     read 404 {"id": "{flow}"}
POST /twirp/grainmesh.mediastore.v1.Flows/GetFlow     read 404 {"id": "{multi}"}
POST /twirp/grainmesh.mediastore.v1.Flows/ListFlows   read 200 {}
POST /twirp/grainmesh.mediastore.v1.Flows/ListFlows   read 200 {"source_id": "{source}"}
POST /twirp/grainmesh.mediastore.v1.Flows/ListFlows   read 200 {"job_id": "{job}"}
POST /twirp/grainmesh.mediastore.v1.Flows/ListFlows   read 200 {"text": "{label}", "top_level": true}
POST /twirp/grainmesh.mediastore.v1.Flows/ListGrains  read 404 {"flow_id": "{flow}"}
POST /twirp/grainmesh.mediastore.v1.Flows/GetSource   read 404 {"id": "{source}"}
POST /twirp/grainmesh.mediastore.v1.Flows/ListSources read 200 {}
POST /twirp/grainmesh.mediastore.v1.Flows/ListSources read 200 {"text": "{label}"}

POST /twirp/grainmesh.analyser.v1.Analyser/Probe read 412 {"url": "{file}"}
POST /twirp/grainmesh.analyser.v1.Analyser/Probe read 412 {"url": "{stored}"}
# Planning a film reads it; B says itself what it knows of its inside.
POST /twirp/grainmesh.chunker.v1.Chunker/Plan    read 412 {"url": "{file}", "analysis": {analysis}}
POST /twirp/grainmesh.chunker.v1.Chunker/Plan    read 412 {"url": "{stored}", "analysis": {analysis}}

POST /twirp/grainmesh.origin.v1.Playback/GetLinks read 404 {"flow_id": "{flow}"}
POST /twirp/grainmesh.origin.v1.Playback/GetLinks read 404 {"flow_id": "{multi}"}

POST /twirp/grainmesh.portal.v1.Portal/Me              read  200 {}
POST /twirp/grainmesh.portal.v1.Portal/CreateLoginLink read  200 {}
POST /twirp/grainmesh.portal.v1.Portal/StartUpload     write 200 {"file_name": "own.wav", "size": "10"}
POST /twirp/grainmesh.portal.v1.Portal/SignParts       write 404 {"upload_id": "{upload}", "parts": [1]}
POST /twirp/grainmesh.portal.v1.Portal/CompleteUpload  write 404 {"upload_id": "{upload}", "etags": {"1": "x"}}
POST /twirp/grainmesh.portal.v1.Portal/AbortUpload     write 404 {"upload_id": "{upload}"}
`

// serviceTable names the callers of each method that only services have.
const serviceTable = `
/twirp/grainmesh.job.v1.Reports/StartWork      analyser chunker reader
/twirp/grainmesh.job.v1.Reports/ReportAnalysis analyser
/twirp/grainmesh.job.v1.Reports/ReportChunks   chunker
/twirp/grainmesh.job.v1.Reports/CompleteChunk  reader
/twirp/grainmesh.job.v1.Reports/FailWork       analyser chunker reader
# job-api closes runs itself.
/twirp/grainmesh.job.v1.Reports/CompleteClose

/twirp/grainmesh.mediastore.v1.Segments/PutFlows         chunker
/twirp/grainmesh.mediastore.v1.Segments/AllocateObjects  reader
/twirp/grainmesh.mediastore.v1.Segments/RegisterSegments reader
/twirp/grainmesh.mediastore.v1.Segments/EndFlows         job-api
/twirp/grainmesh.mediastore.v1.Segments/ReadIndex        origin

/twirp/grainmesh.reader.v1.Status/GetStatus analyser chunker job-api media-store origin portal-bff reader
`

// serviceMethods reads the table: callers by path.
func serviceMethods() map[string][]string {
	methods := map[string][]string{}
	for line := range strings.Lines(serviceTable) {
		if fields := strings.Fields(line); len(fields) > 0 && fields[0] != "#" {
			methods[fields[0]] = fields[1:]
		}
	}
	return methods
}

// twirpMethods lists the paths of all methods that the contracts have.
func twirpMethods() []string {
	var paths []string
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				if strings.HasPrefix(string(service.FullName()), "grainmesh.") {
					paths = append(paths, "/twirp/"+string(service.FullName())+"/"+string(service.Methods().Get(j).Name()))
				}
			}
		}
		return true
	})
	return paths
}

// Every method of every contract is in one of the tables, and every contract is linked
// into this test.
func TestTablesNameEveryMethod(t *testing.T) {
	t.Parallel()
	methods := twirpMethods()
	var named []string
	for _, a := range parse(t, twirpTable) {
		named = append(named, a.path)
	}
	internal := serviceMethods()
	for _, path := range methods {
		if _, ok := internal[path]; !ok {
			require.Contains(t, named, path, "no line tries it")
		}
	}
	for path := range internal {
		require.Contains(t, methods, path, "there is no such method")
	}
	for _, path := range named {
		require.Contains(t, methods, path, "there is no such method")
	}
	require.Len(t, methods, methodsInContracts(t))
}

// methodsInContracts counts the methods in the .proto files.
func methodsInContracts(t *testing.T) int {
	t.Helper()
	files, err := filepath.Glob("../../rpc/*/v1/*.proto")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	count := 0
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		count += len(regexp.MustCompile(`(?m)^\s+rpc \w+\(`).FindAll(source, -1))
	}
	return count
}

// Every route of every service is in a table, on the listener where it belongs.
func TestTablesNameEveryRoute(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var tried []string
	for _, a := range public(t) {
		tried = append(tried, a.path)
	}
	var internal []string
	for path := range serviceMethods() {
		internal = append(internal, path)
	}
	// The pages and the way in are for everyone, see services/portal-bff.
	open := []string{"/", "/login", "/logout"}
	for name, routes := range w.routes {
		for _, r := range routes.Public {
			if r.Scope == serve.Open {
				require.Contains(t, open, r.Prefix, "%s opens it to everyone", name)
				continue
			}
			require.True(t, hasPrefix(tried, r.Prefix), "no line tries %s of %s", r.Prefix, name)
			require.False(t, hasPrefix(internal, r.Prefix), "%s of %s is for services", r.Prefix, name)
		}
		for _, r := range routes.Internal {
			require.True(t, hasPrefix(internal, r.Prefix), "no line tries %s of %s", r.Prefix, name)
		}
	}
	requireEveryTAMSRoute(t, w)
}

func hasPrefix(paths []string, prefix string) bool {
	for _, path := range paths {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}
