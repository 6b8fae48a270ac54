package subjects

import "strings"

// Permission is what an identity may publish and subscribe to, beside its own
// inbox. Everything else is refused by the server.
type Permission struct{ Publish, Subscribe []string }

// InboxPrefix is below which an identity receives answers.
func InboxPrefix(identity string) string { return "_INBOX_" + identity }

// Permissions says, for each service that is on NATS, what it does there.
func Permissions() map[string]Permission {
	return map[string]Permission{
		"job-api": {
			Publish:   join([]string{"work.>", "event.job.>", "progress.job.>"}, manageStreams(EventStream), manageWork(), consume(Close.Stream(), string(Close))),
			Subscribe: []string{ChunkProgressed.Wildcard()},
		},
		"analyser": {Publish: consume(Analyse.Stream(), string(Analyse))},
		"chunker":  {Publish: consume(Chunk.Stream(), string(Chunk))},
		"reader":   {Publish: join([]string{"progress.reader.>"}, consume(Read.Stream(), string(Read)))},
		"media-store": {
			Publish: join([]string{"event.flow.>", "event.source.>"}, manageStreams(EventStream)),
		},
		"portal-bff": {Publish: follow(EventStream), Subscribe: []string{JobProgressed.Wildcard()}},
	}
}

// manageWork lets an identity make the streams of work.
func manageWork() []string {
	var out []string
	for _, layer := range Layers() {
		out = append(out, manageStreams(layer.Stream())...)
	}
	return out
}

func manageStreams(stream string) []string {
	return prefixed("$JS.API.STREAM.", "CREATE."+stream, "UPDATE."+stream, "INFO."+stream)
}

// consume lets an identity take from one durable consumer of a stream.
func consume(stream, durable string) []string {
	return append(prefixed("$JS.API.CONSUMER.",
		"CREATE."+stream+"."+durable+".>", "CREATE."+stream+"."+durable,
		"INFO."+stream+"."+durable, "MSG.NEXT."+stream+"."+durable), "$JS.ACK."+stream+".>", "$JS.API.STREAM.INFO."+stream)
}

// follow lets an identity read a stream by consumers that are its own and pass.
func follow(stream string) []string {
	return append(prefixed("$JS.API.CONSUMER.", "CREATE."+stream+".>", "INFO."+stream+".>", "DELETE."+stream+".>", "MSG.NEXT."+stream+".>"),
		"$JS.ACK."+stream+".>", "$JS.API.STREAM.INFO."+stream, "$JS.FC."+stream+".>")
}

func prefixed(prefix string, names ...string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = prefix + name
	}
	return out
}

func join(lists ...[]string) []string {
	var out []string
	for _, list := range lists {
		out = append(out, list...)
	}
	return out
}

// Allows says whether a list of subjects with wildcards covers a subject.
func Allows(list []string, subject string) bool {
	for _, pattern := range list {
		if matches(strings.Split(pattern, "."), strings.Split(subject, ".")) {
			return true
		}
	}
	return false
}

func matches(pattern, subject []string) bool {
	for i, p := range pattern {
		if p == ">" {
			return len(subject) > i
		}
		if i >= len(subject) || (p != "*" && p != subject[i]) {
			return false
		}
	}
	return len(pattern) == len(subject)
}
