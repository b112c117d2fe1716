package process

import (
	"maps"

	"gaff/hooks"
	"gaff/queue"
	"gaff/tasks"
)

// functions are what the scripts of a worker can ask of the world, beside documents.
func (w *worker) functions() hooks.HostFunctions {
	return joined(tasks.Functions(w.jobs), w.methods.Functions(), w.outbound.Functions(), hooks.KVFunctions(queue.NewKV(w.Conn)),
		(&hooks.Once{Marks: queue.NewMarks(w.Conn)}).Functions())
}

// PretendFunctions are those of runs that must have no effect: what they keep goes with them, and nothing leaves the
// machine.
func PretendFunctions() hooks.HostFunctions {
	return joined(tasks.PretendFunctions(), hooks.KVFunctions(&hooks.MemoryKV{}), (&hooks.Once{Marks: &hooks.MemoryKV{}}).Functions())
}

// joined puts the functions of several adapters together.
func joined(offers ...hooks.HostFunctions) hooks.HostFunctions {
	all := hooks.HostFunctions{}
	for _, offer := range offers {
		maps.Copy(all, offer)
	}
	return all
}
