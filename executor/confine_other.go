//go:build unix

package executor

// Confine gives up what the process does not need.
func Confine(Limits) error { return nil }
