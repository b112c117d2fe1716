package process

import (
	"maps"

	"gaff/hooks"
	"gaff/tasks"
)

// functions are what the scripts of a worker can ask of the world, beside documents.
func functions(jobs *tasks.Queue, methods *hooks.Methods) hooks.HostFunctions {
	return joined(tasks.Functions(jobs), methods.Functions())
}

// PretendFunctions are those of runs that must have no effect.
func PretendFunctions() hooks.HostFunctions {
	return joined(tasks.PretendFunctions())
}

// joined puts the functions of several adapters together.
func joined(offers ...hooks.HostFunctions) hooks.HostFunctions {
	all := hooks.HostFunctions{}
	for _, offer := range offers {
		maps.Copy(all, offer)
	}
	return all
}
