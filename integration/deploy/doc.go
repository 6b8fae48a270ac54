// Package deploy tests what compose/ and k8s/ say against the code: which services
// there are, which settings each reads, who may do what on NATS.
//
// The tool that reads the files, integration/tools/manifests, is built by the first test
// that needs it.
package deploy
