package outbound

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"
	"github.com/wneessen/go-mail"

	"gaff/hooks"
)

// server is settings.mail.
type server struct {
	Host     string `json:"host"`
	Port     int    `json:"port"` // default 587, with tls 465
	User     string `json:"user"`
	Password string `json:"password"`
	TLS      string `json:"tls"`  // starttls (default), tls or none
	From     string `json:"from"` // whom mails are from that do not say
}

// The values of tls.
const (
	startTLS = "starttls"
	wholeTLS = "tls"
	noTLS    = "none"
)

func (s *server) read(settings json.RawMessage) error {
	raw := gjson.GetBytes(settings, "mail")
	if !raw.IsObject() {
		return hooks.Errorf(hooks.CodeBadRequest, "sendMail needs settings.mail: {host, port, user, password, from}")
	}
	if err := json.Unmarshal([]byte(raw.Raw), s); err != nil || s.Host == "" || s.Port < 0 || s.Port > 65535 {
		return hooks.Errorf(hooks.CodeBadRequest, "settings.mail needs a host, and a port that is a number")
	}
	s.TLS = cmp.Or(s.TLS, startTLS)
	switch s.TLS {
	case noTLS:
		if s.User != "" {
			return hooks.Errorf(hooks.CodeBadRequest, "settings.mail: a password is sent over TLS only: use tls: starttls, or no user")
		}
	case startTLS, wholeTLS:
	default:
		return hooks.Errorf(hooks.CodeBadRequest, "settings.mail.tls is starttls, tls or none, not %.40q", s.TLS)
	}
	return nil
}

// client is what hands mails in from now until ctx ends; from is a sender's address.
func (s *server) client(ctx context.Context, c *Client, from string) (*mail.Client, error) {
	const submission, submissions = 587, 465
	port, policy := cmp.Or(s.Port, submission), mail.TLSMandatory
	config := &tls.Config{ServerName: s.Host, RootCAs: c.roots, MinVersion: tls.VersionTLS12}
	dial := func(_ context.Context, network, address string) (net.Conn, error) { // ctx is longer than the library's
		return c.connect(ctx, network, address)
	}
	switch s.TLS {
	case wholeTLS: // which the library leaves to whoever dials, and then takes note of
		port, policy = cmp.Or(s.Port, submissions), mail.TLSOpportunistic
		dial = func(_ context.Context, network, address string) (net.Conn, error) {
			conn, err := c.connect(ctx, network, address)
			if err != nil {
				return nil, err
			}
			encrypted := tls.Client(conn, config)
			if err := encrypted.HandshakeContext(ctx); err != nil {
				return nil, errors.Join(err, conn.Close())
			}
			return encrypted, nil
		}
	case noTLS:
		policy = mail.NoTLS
	}
	options := []mail.Option{
		mail.WithDialContextFunc(dial), mail.WithTimeout(hooks.MaxTimeout), mail.WithPort(port), mail.WithTLSPolicy(policy),
		mail.WithTLSConfig(config), mail.WithHELO(domain(from)), // not this machine's name, which is nobody's business
	}
	if s.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(s.User), mail.WithPassword(s.Password))
	}
	return mail.NewClient(s.Host, options...)
}

func domain(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// maxReplies is how much a mail server may say in one call, in bytes.
const maxReplies = 256 << 10

// connect connects to a mail server. The connection ends with ctx, and what is read from it is bounded: the library reads
// lines of any length.
func (c *Client) connect(ctx context.Context, network, address string) (net.Conn, error) {
	dialCtx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := c.guard.dialMail(dialCtx, network, address)
	if err != nil {
		return nil, err
	}
	return &mailConn{Conn: conn, left: maxReplies, stop: context.AfterFunc(ctx, func() { conn.Close() })}, nil
}

type mailConn struct {
	net.Conn
	left int
	stop func() bool
}

var errTalkative = errors.New("the server says too much")

func (c *mailConn) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTalkative
	}
	n, err := c.Conn.Read(b[:min(len(b), c.left)])
	c.left -= n
	return n, err
}

func (c *mailConn) Close() error {
	c.stop()
	return c.Conn.Close()
}

// refusedMail says why a server did not take a mail.
func refusedMail(ctx context.Context, host string, err error) *hooks.Error {
	reply, replied := errors.AsType[*textproto.Error](err)
	_, network := errors.AsType[net.Error](err)
	switch {
	case ctx.Err() != nil:
		return explained(host, context.Cause(ctx))
	case errors.Is(err, errTalkative):
		return failure(codeProtocol, "%s: %v", host, errTalkative).Because(err)
	case replied && slices.Contains([]int{454, 530, 534, 535}, reply.Code): // RFC 4954
		return failure(codeCredentials, "%s does not take user and password of settings.mail: %.300s", host, reply.Error()).Because(err)
	case network, errors.Is(err, io.EOF), whyBlocked(err) != nil, isTLS(err):
		return explained(host, err)
	}
	return failure(hooks.CodeServiceError, "%s did not take the mail: %.300s", host, err.Error()).Because(err)
}

// since is how long something took, as logs have it.
func since(started time.Time) time.Duration { return time.Since(started).Round(time.Millisecond) }
