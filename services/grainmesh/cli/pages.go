package cli

import "github.com/urfave/cli/v3"

// pageSize is how many entries of a list are asked for at a time, which is the most
// that every API gives.
const pageSize = 1000

// limitFlag is how many entries a list writes.
func limitFlag(usual int) cli.Flag {
	return &cli.IntFlag{Name: "limit", Usage: "how many; 0 for all", Value: usual, Validator: func(n int) error {
		if n < 0 {
			return usage("--limit is %d, want 0 or more", n)
		}
		return nil
	}}
}

// pages asks for one page of a list after the other until it has as many entries as
// the limit says, or all if that is 0, and returns them and the token of what follows.
func pages[T any](limit int, page func(size int32, token string) ([]T, string, error)) (all []T, next string, err error) {
	for {
		size := pageSize
		if limit > 0 {
			size = min(size, limit-len(all))
		}
		some, token, err := page(int32(size), next)
		if err != nil {
			return nil, "", err
		}
		all, next = append(all, some...), token
		if next == "" || len(all) == limit {
			return all, next, nil
		}
	}
}
