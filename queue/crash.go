package queue

import (
	"encoding/json"

	"gaff/hooks"
)

// crashHeader carries, with an ask that is asked again, which of its hooks has ended the process that ran it.
const crashHeader = "Gaff-Crash"

func readCrash(text string) *hooks.Crash {
	c := &hooks.Crash{}
	if json.Unmarshal([]byte(text), c) != nil {
		return nil
	}
	return c
}
