package outbound

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

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
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &mailbox{}
	s := smtp.NewServer(b)
	s.Domain = "mail.example"
	s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate(t)}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Serve(l)
	}()
	t.Cleanup(func() {
		s.Close()
		<-done
	})
	return b, l.Addr().(*net.TCPAddr).Port
}

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
	client := newClient(t, Config{Allow: []netip.Prefix{public}})
	client.roots = x509.NewCertPool()
	client.roots.AddCert(certificate(t).Leaf)
	client.guard.dialer.Resolver = startDNS(t, func(string) []netip.Addr { return []netip.Addr{public.Addr()} })
	settings := fmt.Sprintf(`{"mail":{"host":"example.com","port":%d,"from":"shop@example.com","user":"shop","password":"right"}}`, port)
	got, run, err := sendMail(t, client, settings, map[string]any{
		"to": "ann@example.com, Bo <bo@example.com>", "cc": []string{"cid@example.com"}, "subject": "Issue report: ü", "html": "<h1>Hello</h1>",
		"text": "Hello", "company": "My company Inc", "replyto": "help@example.com",
		"attachments": []map[string]string{{"filename": "a.txt", "content": "aGVsbG8=", "encoding": "base64"}},
	})
	if err != nil || !strings.Contains(got, `"status":"sent"`) || !strings.Contains(got, "email_outbound_id") {
		t.Fatalf("%s, %v", got, err)
	}
	if len(box.mails) != 1 || len(box.rcpts) != 3 || len(box.users) != 1 {
		t.Fatalf("%+v", box)
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

func TestSlack(t *testing.T) {
	t.Parallel()
	at := world(t)
	client := newClient(t, Config{Allow: []netip.Prefix{public}})
	run := caller(fmt.Sprintf(`{"slack":{"url":"%s/echo","channel":"#dev"}}`, at))
	got, err := client.Functions()["slack.send"](t.Context(), run, []json.RawMessage{json.RawMessage(`{"message":":tada: new"}`)})
	if err != nil || !strings.Contains(string(got), `\"channel\\\":\\\"#dev`) || !strings.Contains(string(got), ":tada: new") {
		t.Errorf("%s, %v", got, err)
	}
	if lines := run.Lines(); len(lines) != 1 || strings.Contains(lines[0].Text, "echo") {
		t.Errorf("the URL is shown: %+v", lines)
	}
	for options, code := range map[string]hooks.Code{
		`{"message":"x"}`: hooks.CodeBadRequest,
		fmt.Sprintf(`{"message":"x","slackhookurl":"%s/status"}`, at): hooks.CodeServiceError,
		fmt.Sprintf(`{"message":"x","slackhookurl":"%s/moved"}`, at):  codeRedirect,
	} {
		if _, err := client.Functions()["slack.send"](t.Context(), caller(`{}`), []json.RawMessage{json.RawMessage(options)}); codeOf(err) != code {
			t.Errorf("%s: %v", options, err)
		}
	}
}
