package store

import (
	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// Options bound what a store uses. The zero value has the defaults.
type Options struct {
	// Connections is how many queries run at once; more wait. Default: 16 for PostgreSQL, if the URL has no
	// pool_max_conns; 4 for SQLite, beside the one that writes.
	Connections int
}

// row is a change as it is written.
type row struct {
	hooks.Change
	newVersion int64
	payload    []byte // of the event
}

// prepare checks the changes of one Write before anything is written.
func prepare(changes []hooks.Change) ([]row, error) {
	rows := make([]row, len(changes))
	for i, c := range changes {
		rows[i].Change = c
		if !storable(c.ID) || c.ID == "" {
			return nil, hooks.Errorf(hooks.CodeBadRequest, "%.100q cannot be the _id of a document", c.ID)
		}
		if c.Document != nil {
			if err := checkJSON(c.Document, "the document"); err != nil {
				return nil, err
			}
			rows[i].newVersion = gjson.GetBytes(c.Document, "_version").Int()
		}
		if c.Event != nil {
			rows[i].payload = c.Event.AppendJSON(nil)
			// What the relay could not read again must not get in: it would stay for ever.
			if err := hooks.CheckJSON(rows[i].payload); err != nil {
				return nil, err
			}
		}
	}
	return rows, nil
}

// refused is why the row could not be written, if nothing was changed by it.
func (r *row) refused(collection string) error {
	if r.Insert {
		return hooks.Errorf(hooks.CodeConflict, "%s %.100q already exists", collection, r.ID)
	}
	return hooks.Errorf(hooks.CodeConflict, "%s %.100q has been changed meanwhile", collection, r.ID).Because(hooks.ErrStale)
}

// anyEvent tells whether the rows have something for the outbox.
func anyEvent(rows []row) bool {
	for i := range rows {
		if rows[i].Event != nil {
			return true
		}
	}
	return false
}

func missing(collection, id string) error {
	return hooks.Errorf(hooks.CodeNotFound, "%s %.100q does not exist", collection, id)
}

// unavailable is what callers read when the database is at fault; the cause is for logs.
func unavailable(cause error) error {
	return hooks.Errorf(hooks.CodeUnavailable, "the document store cannot be reached").Because(cause)
}

// signal is a capacity-1 channel that says that something has happened since it was last read.
type signal chan struct{}

func (s signal) set() {
	select {
	case s <- struct{}{}:
	default:
	}
}
