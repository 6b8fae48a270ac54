package window

import "errors"

// errReplaced says that an object's bytes were overwritten after it was registered,
// which only a client with its own upload URL can do.
var errReplaced = errors.New("its ETag has changed")

// errBlock says that an object does not hold the grain that its index names.
var errBlock = errors.New("there is no grain block where the index has one")
