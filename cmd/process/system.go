package process

import (
	"gaff/hooks"
	"gaff/store"
)

// system are the collections that are no documents.
func (p *Parts) system() hooks.SystemCollections {
	jobs := &hooks.SystemJobs{Registry: p.Releases, Build: p.build, Select: store.Select}
	log := &hooks.SystemLog{Logs: logs{p.Conn}.Logs, Select: store.Select}
	return hooks.SystemCollections{hooks.SystemJobsCollection: jobs.Do, hooks.SystemLogCollection: log.Do}
}
