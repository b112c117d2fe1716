// Package bench measures Gaff against the raw limits of what it is built on, in the same run, so that a figure is a ratio
// and not a claim about a machine. It is a module of its own, so that what it compares with never becomes a dependency.
//
//	go test -bench . -benchtime 3s -count 5
package bench
