package hooks

import (
	"slices"
	"strings"
)

var verbs = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}

func isVerb(operation string) bool { return slices.Contains(verbs, operation) }

// RunJob is the function that a job's script defines.
const RunJob = "runJob"

// Functions lists the names by which scripts define hooks: one for each phase and verb (there is no afterGET),
// before, after and failed for operations of another name, and runJob.
func Functions() []string {
	return []string{
		"beforeGET", "beforePOST", "beforePUT", "beforePATCH", "beforeDELETE",
		"afterPOST", "afterPUT", "afterPATCH", "afterDELETE",
		string(Before), string(After), string(Failed), RunJob,
	}
}

// isSpecific reports whether a function can be meant for nothing but Gaff. before, after and failed are names that a script
// may also use for functions of its own.
func isSpecific(name string) bool {
	return name == RunJob || !slices.Contains(Phases(), Phase(name))
}

// splitFunction says which phase and operation a function is for; the operation is "*" for a general one.
func splitFunction(name string) (phase Phase, operation string, ok bool) {
	for _, phase := range Phases() {
		verb, found := strings.CutPrefix(name, string(phase))
		switch {
		case !found:
		case verb == "":
			return phase, wildcard, true
		case isVerb(verb):
			return phase, verb, true
		}
	}
	return "", "", false
}

// functionOf returns the function that serves one operation: the one named for the verb, else the general one.
func functionOf(phase Phase, operation string, defined []string) string {
	for _, name := range []string{string(phase) + operation, string(phase)} {
		if slices.Contains(defined, name) {
			return name
		}
	}
	return ""
}
