package hooks

import "slices"

// checkLater tells if ordered or retry could mean nothing: they are for functions that run from the stream, after the
// call, when nobody waits.
func (l *loader) checkLater(o object, h *Hook) {
	for _, key := range []string{"ordered", "retry"} {
		_, given := o.value(key)
		switch {
		case !given || key == "ordered" && !h.Ordered:
		case h.Sync:
			l.at(o.at(key), "%s is for hooks that nobody waits for, and this one is sync", key)
		case h.Phase == Before || h.Operation == "" && h.Functions != nil && !slices.ContainsFunc(h.Functions, runsLater):
			l.at(o.at(key), "%s is for hooks that run after a call, and this one runs before", key)
		}
	}
}

// runsLater reports whether a function runs once the call was made or has failed.
func runsLater(name string) bool {
	phase, _, ok := splitFunction(name)
	return ok && phase != Before
}
