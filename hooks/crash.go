package hooks

// unable is what a hook's run ends with that is not begun: the hook has crashed over this very event, or is quarantined.
func (c *chain) unable(m *Match, r *run) *Error {
	if crash := c.event.Crash; crash != nil && crash.Name == r.record.label() {
		fault := r.fault(CodeHookCrashed, "the script ended the process that ran it: "+crash.Reason)
		r.record.ID, r.record.Time, r.started = crash.Run, crash.Started.UTC(), crash.Started
		r.finish(nil, fault, StatusCrashed, nil)
		return fault
	}
	fault := c.table.quarantined(m.Hook)
	if fault != nil {
		fault.Hook = r.record.label()
	}
	return fault
}
