package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// mailbox is a real SMTP server that keeps what it gets.
type mailbox struct {
	mu    sync.Mutex
	mails []string
	rcpts []string
	users []string
}

func (b *mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &mailSession{b}, nil }

type mailSession struct{ *mailbox }

func (*mailSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password != "right" {
			return errors.New("no")
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.users = append(s.users, user)
		return nil
	}), nil
}
func (*mailSession) Mail(string, *smtp.MailOptions) error { return nil }
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if strings.HasPrefix(to, "full@") {
		return &smtp.SMTPError{Code: 552, Message: "mailbox full"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rcpts = append(s.rcpts, to)
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails = append(s.mails, string(b))
	return err
}
func (*mailSession) Reset()        {}
func (*mailSession) Logout() error { return nil }

// certificate is that of the test servers of the standard library, which is one of 127.0.0.1 and example.com.
func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	return s.TLS.Certificates[0]
}

func startSMTP(t *testing.T) (*mailbox, int) {
	t.Helper()
	return serveSMTP(t, listen(t), &tls.Config{Certificates: []tls.Certificate{certificate(t)}})
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func serveSMTP(t *testing.T, l net.Listener, config *tls.Config) (*mailbox, int) {
	t.Helper()
	b := &mailbox{}
	s := smtp.NewServer(b)
	s.Domain, s.TLSConfig, s.ErrorLog = "mail.example", config, log.New(io.Discard, "", 0)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Serve(l)
	}()
	t.Cleanup(func() {
		s.Close()
		<-done
	})
	return b, port(l)
}

func port(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

func sendMail(t *testing.T, c *Client, settings string, mail any) (string, *hooks.Caller, error) {
	t.Helper()
	raw, err := json.Marshal(mail)
	if err != nil {
		t.Fatal(err)
	}
	run := caller(settings)
	got, err := c.Functions()["mail.send"](t.Context(), run, []json.RawMessage{raw})
	return string(got), run, err
}

func TestSendMail(t *testing.T) {
	t.Parallel()
	box, port := startSMTP(t)
	client := trusting(t)
	settings := fmt.Sprintf(`{"mail":{"host":"example.com","port":%d,"from":"shop@example.com","user":"shop","password":"right"}}`, port)
	got, run, err := sendMail(t, client, settings, map[string]any{
		"to": "ann@example.com, Bo <bo@example.com>", "cc": []string{"cid@example.com"}, "bcc": "secret@example.com", "subject": "Issue report: ü", "html": "<h1>Hello</h1>",
		"text": "Hello", "company": "My company Inc", "replyto": "help@example.com",
		"attachments": []map[string]string{{"filename": "a.txt", "content": "aGVsbG8=", "encoding": "base64"}},
	})
	if err != nil || !strings.Contains(got, `"status":"sent"`) || !strings.Contains(got, "email_outbound_id") {
		t.Fatalf("%s, %v", got, err)
	}
	if len(box.mails) != 1 || len(box.rcpts) != 4 || len(box.users) != 1 {
		t.Fatalf("%+v", box)
	}
	for _, part := range []string{"go-mail", "Bcc", "secret@example.com"} {
		if strings.Contains(box.mails[0], part) {
			t.Errorf("the mail has %s:\n%s", part, box.mails[0])
		}
	}
	for _, part := range []string{"My company Inc", "<shop@example.com>", "Reply-To: <help@example.com>", "text/html", "text/plain", "<h1>Hello</h1>", "a.txt"} {
		if !strings.Contains(box.mails[0], part) {
			t.Errorf("the mail lacks %s:\n%s", part, box.mails[0])
		}
	}
	if lines := run.Lines(); len(lines) != 1 || strings.Contains(lines[0].Text, "right") {
		t.Errorf("%+v", lines)
	}
	if _, _, err := sendMail(t, client, settings, []map[string]any{{"to": "a@example.com", "subject": "1"}, {"to": "b@example.com", "subject": "2"}}); err != nil {
		t.Fatal(err)
	}
	if len(box.mails) != 3 {
		t.Errorf("%d mails", len(box.mails))
	}
}

// Mail over TLS from the first byte on.
func TestMailOverTLS(t *testing.T) {
	t.Parallel()
	l := listen(t)
	box, port := serveSMTP(t, tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{certificate(t)}}), nil)
	client := trusting(t)
	settings := fmt.Sprintf(`{"mail":{"host":"example.com","port":%d,"tls":"tls","user":"shop@example.com","password":"right"}}`, port)
	if got, _, err := sendMail(t, client, settings, map[string]any{"to": "ann@example.com", "subject": "s", "text": "t"}); err != nil || len(box.mails) != 1 {
		t.Errorf("%s, %v, %+v", got, err, box)
	}
	wrong := strings.Replace(settings, "right", "wrong", 1)
	if _, _, err := sendMail(t, client, wrong, map[string]any{"to": "ann@example.com", "subject": "s"}); codeOf(err) != codeCredentials {
		t.Errorf("%v", err)
	}
	stranger := strings.Replace(settings, "example.com", "elsewhere.test", 1)
	if _, _, err := sendMail(t, client, stranger, map[string]any{"to": "ann@example.com", "subject": "s"}); codeOf(err) != codeTLS {
		t.Errorf("%v", err)
	}
}

// trusting is a client for which every name is that of the test servers.
func trusting(t *testing.T) *Client {
	t.Helper()
	client := newClient(t, Config{Allow: []netip.Prefix{public}})
	client.roots = x509.NewCertPool()
	client.roots.AddCert(certificate(t).Leaf)
	client.guard.dialer.Resolver = startDNS(t, func(string) []netip.Addr { return []netip.Addr{public.Addr()} })
	return client
}

// Of several mails the server takes what it can; the others are told of.
func TestSomeMailsAreRefused(t *testing.T) {
	t.Parallel()
	box, port := startSMTP(t)
	client := newClient(t, Config{Allow: []netip.Prefix{public}})
	settings := fmt.Sprintf(`{"mail":{"host":"127.0.0.2","port":%d,"tls":"none","from":"shop@example.com"}}`, port)
	got, run, err := sendMail(t, client, settings, []map[string]any{
		{"to": "ann@example.com", "subject": "1"}, {"to": "full@example.com", "subject": "2"}, {"to": "bob@example.com", "subject": "3"},
	})
	if err != nil || len(box.mails) != 2 {
		t.Fatalf("%s, %v, %d mails", got, err, len(box.mails))
	}
	status := gjson.Get(got, "#.status").Raw
	if status != `["sent","failed","sent"]` || !strings.Contains(gjson.Get(got, "1.error.message").String(), "mailbox full") {
		t.Errorf("%s", got)
	}
	if lines := run.Lines(); len(lines) != 1 || !strings.Contains(lines[0].Text, "2 of 3 sent") {
		t.Errorf("%+v", lines)
	}
}

// Servers that say nothing, or too much, or nonsense, take a run no longer than it has, and no memory.
func TestOddMailServers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		serve func(net.Conn)
		code  hooks.Code
	}{
		"silent":    {func(c net.Conn) { io.Copy(io.Discard, c) }, codeTimedOut},
		"slow":      {func(c net.Conn) { fmt.Fprint(c, "220 hello\r\n"); io.Copy(io.Discard, c) }, codeTimedOut},
		"nonsense":  {func(c net.Conn) { fmt.Fprint(c, "HTTP/1.1 400 Bad Request\r\n\r\n"); c.Close() }, hooks.CodeServiceError},
		"gone":      {func(c net.Conn) { c.Close() }, codeReset},
		"talkative": {func(c net.Conn) { io.Copy(c, endless{}) }, codeProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := listen(t)
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					c.serve(conn)
					conn.Close()
				}
			}()
			client := newClient(t, Config{Allow: []netip.Prefix{public}})
			run := caller(fmt.Sprintf(`{"mail":{"host":"127.0.0.2","port":%d,"tls":"none","from":"shop@example.com"}}`, port(l)))
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			_, err := client.Functions()["mail.send"](ctx, run, []json.RawMessage{json.RawMessage(`{"to":"ann@example.com","subject":"s"}`)})
			if codeOf(err) != c.code {
				t.Errorf("%v, want %s", err, c.code)
			}
		})
	}
}

// endless is a line without an end.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

func TestRefusedMails(t *testing.T) {
	t.Parallel()
	box, port := startSMTP(t)
	client := newClient(t, Config{Allow: []netip.Prefix{public}})
	good := fmt.Sprintf(`{"mail":{"host":"127.0.0.2","port":%d,"tls":"none","from":"shop@example.com"}}`, port)
	to := func(more map[string]any) map[string]any {
		m := map[string]any{"to": "ann@example.com", "subject": "s", "text": "t"}
		for k, v := range more {
			m[k] = v
		}
		return m
	}
	for name, c := range map[string]struct {
		settings string
		mail     any
		code     hooks.Code
	}{
		"no settings":       {`{}`, to(nil), hooks.CodeBadRequest},
		"no host":           {`{"mail":{}}`, to(nil), hooks.CodeBadRequest},
		"odd tls":           {`{"mail":{"host":"a","tls":"maybe"}}`, to(nil), hooks.CodeBadRequest},
		"no recipient":      {good, to(map[string]any{"to": ""}), hooks.CodeBadRequest},
		"not an address":    {good, to(map[string]any{"to": "nobody"}), hooks.CodeBadRequest},
		"header in subject": {good, to(map[string]any{"subject": "x\r\nBcc: all@example.com"}), hooks.CodeBadRequest},
		"header in to":      {good, to(map[string]any{"to": "a@example.com\r\nBcc: all@example.com"}), hooks.CodeBadRequest},
		"header in name":    {good, to(map[string]any{"sendername": "x\nBcc: all@example.com"}), hooks.CodeBadRequest},
		"header in file":    {good, to(map[string]any{"attachments": []map[string]string{{"filename": "a\r\nX: y"}}}), hooks.CodeBadRequest},
		"full":              {good, to(map[string]any{"to": "full@example.com"}), hooks.CodeServiceError},
		"open password":     {strings.Replace(good, `"from"`, `"user":"shop","password":"wrong","from"`, 1), to(nil), hooks.CodeBadRequest},
		"not trusted": {strings.NewReplacer(`"none"`, `"starttls"`, `"from"`, `"user":"shop","password":"wrong","from"`).Replace(good),
			to(nil), codeTLS},
		"private server": {`{"mail":{"host":"127.0.0.1","tls":"none","from":"shop@example.com"}}`, to(nil), codeBlocked},
		"too many":       {good, make([]map[string]any, maxMails+1), hooks.CodeBadRequest},
		"odd port":       {strings.Replace(good, fmt.Sprint(port), "6379", 1), to(nil), codeBlocked},
		"no port":        {strings.Replace(good, fmt.Sprint(port), "70000", 1), to(nil), hooks.CodeBadRequest},
		"nobody there":   {strings.Replace(good, fmt.Sprint(port), "1025", 1), to(nil), codeRefused},
	} {
		if _, _, err := sendMail(t, client, c.settings, c.mail); codeOf(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		} else if strings.Contains(err.Error(), "wrong") {
			t.Errorf("%s shows the password: %v", name, err)
		}
	}
	if len(box.mails) != 0 {
		t.Errorf("mails were sent: %q", box.mails)
	}
}
