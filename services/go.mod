module github.com/grainmesh/grainmesh/services

go 1.26.0

require (
	github.com/grainmesh/grainmesh/pkg v0.0.0
	github.com/grainmesh/grainmesh/rpc v0.0.0
)

require (
	github.com/dustin/go-humanize v1.1.0 // indirect
	github.com/jedib0t/go-pretty/v6 v6.8.3 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	github.com/mitchellh/colorstring v0.0.0-20190213212951-d06e56a500db // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
	github.com/schollz/progressbar/v3 v3.19.1 // indirect
	github.com/stretchr/testify v1.12.1 // indirect
	github.com/urfave/cli/v3 v3.14.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/term v0.47.0 // indirect
)

replace (
	github.com/grainmesh/grainmesh/pkg => ../pkg
	github.com/grainmesh/grainmesh/rpc => ../rpc
)
