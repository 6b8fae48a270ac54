package tams

import (
	"encoding/base64"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/mediatime"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// idPattern is TAMS' schemas/uuid.json: lower case, versions 1 to 5.
var idPattern = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func parseID(text string) (uuid.UUID, error) {
	if !idPattern.MatchString(text) {
		return uuid.Nil, fault.Newf(fault.InvalidArgument, "%q is not a UUID in lower case of version 1 to 5", text)
	}
	return uuid.Parse(text)
}

// parseRange reads a time range as TAMS writes it.
func parseRange(text string) (mediatime.Range, error) {
	r, err := mediatime.ParseRange(text)
	return r, timeFault(err)
}

func parseTime(text string) (mediatime.Time, error) {
	t, err := mediatime.Parse(text)
	return t, timeFault(err)
}

func timeFault(err error) error {
	if errors.Is(err, mediatime.ErrOutOfRange) {
		return fault.Wrap(fault.TimeOutOfRange, err)
	}
	return fault.Wrap(fault.InvalidArgument, err)
}

// params reads query parameters and keeps the first error.
type params struct {
	url.Values
	err error
}

func (p *params) fail(name, want string) {
	if p.err == nil {
		p.err = fault.Newf(fault.InvalidArgument, "%s is %q, want %s", name, p.Get(name), want)
	}
}

// flag reads a boolean, nil if it is not given.
func (p *params) flag(name string) *bool {
	if !p.Has(name) {
		return nil
	}
	on, err := strconv.ParseBool(p.Get(name))
	if err != nil {
		p.fail(name, "true or false")
	}
	return &on
}

func (p *params) isSet(name string) bool {
	on := p.flag(name)
	return on != nil && *on
}

func (p *params) number(name string) int {
	if !p.Has(name) {
		return 0
	}
	n, err := strconv.ParseInt(p.Get(name), 10, 32)
	if err != nil || n < 0 {
		p.fail(name, "a number of 31 bits")
	}
	return int(n)
}

// timerange reads a time range, nil if it is not given.
func (p *params) timerange() *mediatime.Range {
	if !p.Has("timerange") {
		return nil
	}
	r, err := parseRange(p.Get("timerange"))
	if err != nil && p.err == nil {
		p.err = err
	}
	return &r
}

// list reads a list separated by commas: nil if it is not given, empty if it has no
// items.
func (p *params) list(name string) []string {
	if !p.Has(name) {
		return nil
	}
	return slices.DeleteFunc(strings.Split(p.Get(name), ","), func(item string) bool { return item == "" })
}

// ids is list, of UUIDs.
func (p *params) ids(name string) []uuid.UUID {
	texts := p.list(name)
	if texts == nil {
		return nil
	}
	ids := make([]uuid.UUID, 0, len(texts))
	for _, text := range texts {
		id, err := parseID(text)
		if err != nil {
			p.fail(name, "a list of UUIDs")
		}
		ids = append(ids, id)
	}
	return ids
}

func (p *params) id(name string) uuid.UUID {
	if ids := p.ids(name); len(ids) == 1 {
		return ids[0]
	}
	if p.Has(name) {
		p.fail(name, "a UUID")
	}
	return uuid.Nil
}

func (p *params) text(name string) *string {
	if !p.Has(name) {
		return nil
	}
	text := p.Get(name)
	return &text
}

// tags reads tag.{name}=v1,v2 and tag_exists.{name}=true|false.
func (p *params) tags() []store.TagFilter {
	var filters []store.TagFilter
	for name := range p.Values {
		if tag, ok := strings.CutPrefix(name, "tag."); ok {
			filters = append(filters, store.TagFilter{Name: tag, Values: strings.Split(p.Get(name), ",")})
		}
		if tag, ok := strings.CutPrefix(name, "tag_exists."); ok {
			filters = append(filters, store.TagFilter{Name: tag, Exists: p.isSet(name)})
		}
	}
	return filters
}

// Sizes of pages.
const (
	usualLimit = 100
	maxLimit   = 1000
)

func (p *params) limit() int {
	if !p.Has("limit") {
		return usualLimit
	}
	n := p.number("limit")
	if n == 0 {
		p.fail("limit", "at least 1")
	}
	return min(n, maxLimit)
}

// page reads where a list goes on and how it is ordered. Sorts names the orders that
// this list has.
func (p *params) page(sorts map[string]store.Sort) store.Page {
	page := store.Page{Limit: p.limit(), Reverse: p.isSet("reverse_order"), After: p.cursor()}
	if by := p.Get("sort_by"); by != "" {
		sort, ok := sorts[by]
		if !ok {
			p.fail("sort_by", "another")
		}
		page.Sort = sort
	}
	return page
}

// cursor reads the opaque key of a page.
func (p *params) cursor() store.Cursor {
	token := p.Get("page")
	if token == "" {
		return nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || !utf8.Valid(raw) {
		p.fail("page", "a key that was given out")
		return nil
	}
	return strings.Split(string(raw), "\x00")
}

func cursorKey(c store.Cursor) string {
	if len(c) == 0 {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Join(c, "\x00")))
}
