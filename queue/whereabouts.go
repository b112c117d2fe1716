package queue

import (
	"context"

	"gaff/hooks"
)

// Whereabouts know whether there are processes that run the scripts of apps that this one does not.
type Whereabouts struct{ own *own }

// NewWhereabouts returns what is known of others to a process that runs the scripts of apps.
func NewWhereabouts(conn *Conn, apps hooks.Apps) *Whereabouts {
	return &Whereabouts{conn.newOwn(apps, kindAsk, nil, nil)}
}

// Served reports whether another process runs the scripts of an app, as it was at most 250 ms ago. If that cannot be found
// out, none does.
func (w *Whereabouts) Served(ctx context.Context, app string) bool {
	return w.own.serves(ctx, app) != ""
}
