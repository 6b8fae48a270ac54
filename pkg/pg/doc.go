// Package pg is how services keep state in Postgres: one pool per service whose
// search path is the service's own schema, numbered migrations, and units of change,
// which a Writer lets share transactions.
package pg
