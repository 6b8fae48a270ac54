package portalbff

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/serve"
)

// login takes a one-time code and opens the page that goes with it. Without a code
// it is the page that says how to get one.
func (s *Service) login(w http.ResponseWriter, r *http.Request) {
	code := r.URL.Query().Get("code")
	if code == "" {
		s.pages.ServeHTTP(w, r)
		return
	}
	g, err := s.sessions.redeem(r.Context(), code)
	if err != nil {
		serve.WriteError(w, r, err)
		return
	}
	if g == nil {
		s.metrics.logins.WithLabelValues("refused").Inc()
		http.Redirect(w, r, "/login?error=used", http.StatusSeeOther)
		return
	}
	if err := s.sessions.begin(r.Context(), w, *g); err != nil {
		serve.WriteError(w, r, err)
		return
	}
	s.metrics.logins.WithLabelValues("admitted").Inc()
	http.Redirect(w, r, localPath(g.Next), http.StatusSeeOther)
}

// localPath returns a path of this portal: never an address elsewhere.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.Contains(next, `\`) {
		return "/jobs"
	}
	return next
}

func (s *Service) logout(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get(auth.CSRFHeader) == "" {
		serve.WriteError(w, r, fault.Newf(fault.PermissionDenied, "a POST needs the header %s", auth.CSRFHeader))
		return
	}
	if err := s.sessions.end(w, r); err != nil {
		serve.WriteError(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
