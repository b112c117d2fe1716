package hooks

// maxCallDepth is how many hooks may call each other in a chain before it counts as a loop.
const maxCallDepth = 8

// DepthHeader carries, with an HTTP request that a script makes, how deep it is.
const DepthHeader = "Gaff-Depth"

// CheckDepth refuses what stands deeper than hooks may call each other; what is the call.
func CheckDepth(depth int, what string) error {
	if depth > maxCallDepth {
		return Errorf(CodeHookError, "hooks have called each other %d deep at %s: is this a loop?", depth, what)
	}
	return nil
}
