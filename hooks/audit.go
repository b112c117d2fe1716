package hooks

import "time"

// KindAudit is the kind of a record that tells of a change somebody made; its name is the action.
const KindAudit Kind = "audit"

// Audit says who did what. From and To are what was there before and after, for example numbers of releases.
type Audit struct {
	Actor  string `json:"actor"`  // a key's id, admin, or dev
	Action string `json:"action"` // for example release-apply; a valid name
	From   string `json:"from,omitempty"`
	To     string `json:"to,omitempty"`
}

// NewAuditRecord returns the record of a change to an app.
func NewAuditRecord(app string, a Audit) Record {
	return Record{
		ID: newID(), Time: time.Now().UTC(), App: app, Kind: KindAudit, Name: a.Action, Attempt: 1, Status: StatusOK, Audit: &a,
	}
}
