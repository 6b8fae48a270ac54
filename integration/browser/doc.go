// Package browser tests the portal as a person uses it: in Chromium, against a whole
// mesh. Pictures of what it saw are left in .bin/screenshots.
package browser
