// Package harness runs a whole mesh for one test, on the shared Postgres, an account
// of NATS, a bucket and a Redis of its own. Its mode is a parameter: every service in
// this process, or each as a process of its own, which tests may freeze and kill.
//
//	mesh := harness.New(t, harness.Options{Mode: harness.Apart})
//	user := mesh.User(t, "acme")
//	job := user.Ingest(t, &jobv1.IngestSpec{Url: mesh.Source.Set("/a.wav", harness.File(wav))})
//
// The processes of the second mode are this test binary again ([Main]), so that the
// race detector watches them too and nothing has to be built.
package harness
