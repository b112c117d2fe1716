package outbound

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"time"

	"github.com/tidwall/gjson"
	"github.com/wneessen/go-mail"

	"gaff/hooks"
)

// maxMails is how many mails one call of sendMail takes.
const maxMails = 50

// sent tells of one mail, as the scripts of the time expect it.
type sent struct {
	ID     string `json:"email_outbound_id"`
	To     any    `json:"to"`
	Status string `json:"status"` // sent: the server has taken it
}

// server is settings.mail.
type server struct {
	Host     string `json:"host"`
	Port     int    `json:"port"` // default 587, with tls 465
	User     string `json:"user"`
	Password string `json:"password"`
	TLS      string `json:"tls"`  // starttls (default), tls or none
	From     string `json:"from"` // whom mails are from that do not say
}

func (s *server) read(settings json.RawMessage) error {
	raw := gjson.GetBytes(settings, "mail")
	if !raw.IsObject() {
		return hooks.Errorf(hooks.CodeBadRequest, "sendMail needs settings.mail: {host, port, user, password, from}")
	}
	if err := json.Unmarshal([]byte(raw.Raw), s); err != nil || s.Host == "" {
		return hooks.Errorf(hooks.CodeBadRequest, "settings.mail needs a host, and a port that is a number")
	}
	switch s.TLS {
	case "none":
		if s.User != "" {
			return hooks.Errorf(hooks.CodeBadRequest, "settings.mail: a password is sent over TLS only: use tls: starttls, or no user")
		}
		return nil
	case "", "starttls", "tls":
		return nil
	}
	return hooks.Errorf(hooks.CodeBadRequest, "settings.mail.tls is starttls, tls or none, not %.40q", s.TLS)
}

// client makes a connection's settings.
func (s *server) client(c *Client) (*mail.Client, error) {
	const submission, submissions = 587, 465
	options := []mail.Option{
		mail.WithDialContextFunc(c.guard.dialMail), mail.WithTimeout(dialTimeout),
		mail.WithTLSConfig(&tls.Config{ServerName: s.Host, RootCAs: c.roots, MinVersion: tls.VersionTLS12}),
	}
	port := cmp.Or(s.Port, submission)
	switch s.TLS {
	case "tls":
		port = cmp.Or(s.Port, submissions)
		options = append(options, mail.WithSSL())
	case "none":
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if s.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(s.User), mail.WithPassword(s.Password))
	}
	return mail.NewClient(s.Host, append(options, mail.WithPort(port))...)
}

// mail sends one mail, {to, subject, html, …}, or several, by the server of settings.mail.
func (c *Client) mail(ctx context.Context, caller *hooks.Caller, args []json.RawMessage) (json.RawMessage, error) {
	var s server
	if err := s.read(caller.Table.Settings); err != nil {
		return nil, err
	}
	if len(args) == 0 || int64(len(args[0])) > 2*c.config.MaxBody {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "sendMail needs an object with to and subject, of at most %d bytes", 2*c.config.MaxBody)
	}
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
		result[i] = sent{messages[i].GetMessageID(), l.To, "sent"}
	}
	for range messages[1:] {
		if !caller.Take("outgoing", c.config.MaxCalls) {
			return nil, hooks.Errorf(hooks.CodeOverloaded, "one run may make %d outgoing calls", c.config.MaxCalls)
		}
	}
	if err := c.deliver(ctx, caller, &s, messages); err != nil {
		return nil, err
	}
	return json.Marshal(result)
}

// deliver hands the mails to the server, with a line in the run's log.
func (c *Client) deliver(ctx context.Context, caller *hooks.Caller, s *server, messages []*mail.Msg) error {
	leave, err := c.enter(ctx, caller)
	if err != nil {
		return err
	}
	defer leave()
	client, err := s.client(c)
	if err != nil {
		return hooks.Errorf(hooks.CodeBadRequest, "settings.mail cannot be used: %v", err)
	}
	started := time.Now()
	err = client.DialAndSendWithContext(ctx, messages...)
	took := time.Since(started).Round(time.Millisecond)
	if err != nil {
		failed := refusedMail(s.Host, err)
		caller.Log("warn", "mail by %s: %s after %v", s.Host, failed.Code, took)
		return failed
	}
	caller.Log("info", "mail by %s: %d sent after %v", s.Host, len(messages), took)
	return nil
}

// refusedMail says why a server did not take a mail.
func refusedMail(host string, err error) *hooks.Error {
	if e, ok := errors.AsType[*mail.SendError](err); ok {
		return failure(hooks.CodeServiceError, "%s did not take the mail: %.300s", host, e.Error()).Because(err)
	}
	if _, ok := errors.AsType[net.Error](err); ok || errors.Is(err, errBlocked) || isTLS(err) {
		return explained(host, err)
	}
	return failure(hooks.CodeServiceError, "%s: %.300s", host, err.Error()).Because(err)
}
