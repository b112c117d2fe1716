package hooks

import (
	"context"
	"encoding/json"
)

// kept is what a script can go on with, and what tells its run's record of it.
type kept struct {
	more More
	end  func(result json.RawMessage, err error) // may be nil
}

// Keep lets the script go on with the call, by the number returned, until its run ends. What more needs for that must
// end with the context of the call, which goes on for so long.
func (c *Caller) Keep(more More) int {
	c.lines.mu.Lock()
	defer c.lines.mu.Unlock()
	c.lines.more = append(c.lines.more, kept{more, c.end})
	return len(c.lines.more)
}

// More goes on with a call, whose number is the first argument.
func (c *Caller) More(ctx context.Context, args []json.RawMessage) (json.RawMessage, error) {
	var n int
	if len(args) == 0 || json.Unmarshal(args[0], &n) != nil {
		return nil, Errorf(CodeBadRequest, "which call to go on with is a number")
	}
	c.lines.mu.Lock()
	if n < 1 || n > len(c.lines.more) {
		c.lines.mu.Unlock()
		return nil, Errorf(CodeNotFound, "the run has no call %d to go on with", n)
	}
	k := c.lines.more[n-1]
	c.lines.mu.Unlock()
	data, result, err := k.more(ctx, args[1:])
	if k.end != nil && (err != nil || result != nil) {
		k.end(result, err)
	}
	return data, err
}
