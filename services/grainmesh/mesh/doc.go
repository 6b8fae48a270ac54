// Package mesh runs every service in one process, with embedded neighbours where no
// real ones are given. It is the only place where one process differs from many.
//
//	lock the folder -> Postgres, NATS, Redis, S3 (those without a URL) -> keys -> services -> ready
//
// It stops in the reverse order. A neighbour that ends by itself ends the mesh.
package mesh
