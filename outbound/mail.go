package outbound

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"gaff/hooks"
)

// maxMails is how many mails one call of sendMail takes.
const maxMails = 50

// sent tells of one mail, as the scripts of the time expect it.
type sent struct {
	ID     string       `json:"email_outbound_id"`
	To     any          `json:"to"`
	Status string       `json:"status"` // sent: the server has taken it; failed: it has not, but others of the same call
	Error  *hooks.Error `json:"error,omitempty"`
}

// mail sends one mail, {to, subject, html, …}, or several, by the server of settings.mail.
func (c *Client) mail(ctx context.Context, caller *hooks.Caller, args []json.RawMessage) (json.RawMessage, error) {
	var s server
	if err := s.read(caller.Table.Settings); err != nil {
		return nil, err
	}
	if len(args) == 0 || int64(len(args[0])) > 2*c.config.MaxSize {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "sendMail needs an object with to and subject, of at most %d bytes", 2*c.config.MaxSize)
	}
	leave, err := c.enter(ctx, caller, len(args[0]))
	if err != nil {
		return nil, err
	}
	defer leave()
	letters, err := readLetters(args[0])
	if err != nil {
		return nil, err
	}
	messages, result := make([]*mail.Msg, len(letters)), make([]sent, len(letters))
	for i := range letters {
		l := &letters[i]
		if messages[i], err = l.message(cmp.Or(l.From, s.From, s.User)); err != nil {
			return nil, err
		}
		result[i] = sent{strings.Trim(messages[i].GetMessageID(), "<>"), l.To, "sent", nil}
	}
	if err := c.count(caller, len(messages)-1); err != nil {
		return nil, err
	}
	if err := c.deliver(ctx, caller, &s, messages, result); err != nil {
		return nil, err
	}
	return json.Marshal(result)
}

// deliver hands the mails to the server, with a line in the run's log. It fails if the server takes none of them; of
// those that it does not take beside others, the result tells.
func (c *Client) deliver(ctx context.Context, caller *hooks.Caller, s *server, messages []*mail.Msg, result []sent) error {
	client, err := s.client(ctx, c, messages[0].GetFrom()[0].Address)
	if err != nil {
		return hooks.Errorf(hooks.CodeBadRequest, "settings.mail cannot be used: %v", err)
	}
	started := time.Now()
	err = client.DialAndSendWithContext(ctx, messages...)
	taken := 0
	for i, m := range messages {
		if m.IsDelivered() {
			taken++
		} else if err != nil {
			result[i].Status, result[i].Error = "failed", refusedMail(ctx, s.Host, cmp.Or(m.SendError(), err))
		}
	}
	switch {
	case taken == 0 && err != nil:
		failed := result[0].Error
		caller.Log("warn", "mail by %s: %s after %v", s.Host, failed.Code, since(started))
		return failed
	case taken < len(messages):
		caller.Log("warn", "mail by %s: %d of %d sent after %v", s.Host, taken, len(messages), since(started))
	default: // what the server says about the end of the connection is of no interest any more
		caller.Log("info", "mail by %s: %d sent after %v", s.Host, taken, since(started))
	}
	return nil
}
