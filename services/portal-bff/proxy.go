package portalbff

import (
	"net/http"
	"net/http/httputil"
	"net/url"
)

// prefixes says which paths of the one address belong to which service.
func prefixes() map[string][]string {
	return map[string][]string{
		"job-api":     {"/twirp/grainmesh.job.v1.Jobs/"},
		"analyser":    {"/twirp/grainmesh.analyser.v1.Analyser/"},
		"chunker":     {"/twirp/grainmesh.chunker.v1.Chunker/"},
		"media-store": {"/twirp/grainmesh.mediastore.v1.Flows/", "/tams/"},
		"origin":      {"/twirp/grainmesh.origin.v1.Playback/", "/origin/"},
	}
}

// elsewhere returns a proxy for each path whose service runs in another process;
// those of this process are mounted beside the portal.
func (s *Service) elsewhere() map[string]http.Handler {
	proxies := map[string]http.Handler{}
	for name, paths := range prefixes() {
		target, err := url.Parse(s.deps.Settings.PublicNeighbours[name])
		if err != nil || target.Host == "" {
			continue
		}
		proxy := &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(target)
				r.SetXForwarded()
				if token := renewedToken(r.In.Context()); token != "" {
					r.Out.Header.Set("Authorization", "Bearer "+token)
				}
			},
			// Windows and playlists are sent on as they are made.
			FlushInterval: -1,
		}
		for _, path := range paths {
			proxies[path] = proxy
		}
	}
	return proxies
}
