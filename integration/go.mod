module github.com/grainmesh/grainmesh/integration

go 1.26.0

require (
	github.com/grainmesh/grainmesh/pkg v0.0.0
	github.com/grainmesh/grainmesh/rpc v0.0.0
)

replace (
	github.com/grainmesh/grainmesh/pkg => ../pkg
	github.com/grainmesh/grainmesh/rpc => ../rpc
)

require github.com/grainmesh/grainmesh/services v0.0.0

require (
	github.com/chromedp/cdproto v0.159.0 // indirect
	github.com/chromedp/chromedp v0.22.1 // indirect
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
	github.com/stretchr/testify v1.12.1 // indirect
	go.uber.org/goleak v1.3.0 // indirect
)

replace github.com/grainmesh/grainmesh/services => ../services
