// Package pg is how services keep state in Postgres: one pool per service whose
// search path is the service's own schema, InTx, numbered migrations, and a fenced
// lease.
package pg
