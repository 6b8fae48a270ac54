module github.com/grainmesh/grainmesh/integration/tools/protoc-gen

go 1.26.0

tool (
	github.com/twitchtv/twirp/protoc-gen-twirp
	google.golang.org/protobuf/cmd/protoc-gen-go
)

require (
	github.com/pkg/errors v0.9.1 // indirect
	github.com/twitchtv/twirp v8.1.3+incompatible // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)
