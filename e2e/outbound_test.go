package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
)

// letters is an SMTP server that keeps what it gets.
type letters struct {
	mu  sync.Mutex
	got []string
}

func (l *letters) NewSession(*smtp.Conn) (smtp.Session, error) { return l, nil }
func (*letters) Mail(string, *smtp.MailOptions) error          { return nil }
func (*letters) Rcpt(string, *smtp.RcptOptions) error          { return nil }
func (*letters) Reset()                                        {}
func (*letters) Logout() error                                 { return nil }
func (l *letters) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got = append(l.got, string(b))
	return err
}

func (l *letters) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.got, "\n")
}

func startSMTP(t *testing.T) (*letters, int) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &letters{}
	s := smtp.NewServer(l)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Serve(listener)
	}()
	t.Cleanup(func() {
		s.Close()
		<-done
	})
	return l, listener.Addr().(*net.TCPAddr).Port
}

// A script of gaff dev asks a price, posts to Slack, sends a mail and counts, where the operator allows it; without that
// it reaches nothing of this machine.
func TestOutbound(t *testing.T) {
	t.Parallel()
	world := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, `{"path":%q,"got":%q}`, r.URL.Path, body)
	}))
	defer world.Close()
	mails, port := startSMTP(t)
	project := t.TempDir()
	writeFile(t, filepath.Join(project, "gaff.yaml"), fmt.Sprintf(`
hooks: [{service: order, script: order.js}]
services: {prices: {upstream: "%[1]s/v1"}}
settings:
  slack: {url: "%[1]s/slack"}
  mail: {host: 127.0.0.1, port: %[2]d, tls: none, from: shop@example.com}
`, world.URL, port))
	writeFile(t, filepath.Join(project, "order.js"), fmt.Sprintf(`
async function beforePOST(req, res) {
  const seen = {};
  seen.fetch = (await (await fetch(%[1]q + '/fetched', { method: 'POST', body: 'a' })).json()).got;
  seen.request = await new Promise((done) => request({ url: %[1]q + '/asked', method: 'POST', json: { b: 1 } }, (error, response, body) => done(error ? error.code : body.got)));
  seen.service = (await request({ service: 'prices', url: '/pen', json: true })).body.path;
  seen.slack = await slack({ message: ':tada:' });
  seen.mail = (await sendMail({ to: 'ann@example.com', subject: 'Order', html: '<b>Hello</b>' }))[0].status;
  await kv.set('last', req.body.item);
  seen.count = [await kv.incr('orders'), await kv.incr('orders')];
  seen.last = await kv.get('last');
  res.end({ data: Object.assign(req.body, { seen }) });
}`, world.URL))
	d := startDev(t, project, "--allow-addresses", "127.0.0.1")
	a := d.do(t, "POST", "/rest/order", `{"item":"pen"}`)
	for path, want := range map[string]string{
		"seen.fetch": "a", "seen.request": `{"b":1}`, "seen.service": "/v1/pen", "seen.mail": "sent", "seen.count.1": "2", "seen.last": "pen",
	} {
		if got := fmt.Sprint(a.at(path)); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if a.status != http.StatusCreated || !strings.Contains(fmt.Sprint(a.at("seen.slack")), "tada") || !strings.Contains(mails.text(), "<b>Hello</b>") {
		t.Errorf("%d %s\nmails: %s", a.status, a.body, mails.text())
	}
	log := d.eventually(t, "GET", "/v1/logs?kind=hook", "", func(a answer) bool { return strings.Contains(a.body, "/fetched: 200") })
	if !strings.Contains(log.body, "prices/pen: 200") || !strings.Contains(log.body, "mail by 127.0.0.1: 1 sent") {
		t.Errorf("log: %s", log.body)
	}

	closed := t.TempDir()
	if err := os.CopyFS(closed, os.DirFS(project)); err != nil {
		t.Fatal(err)
	}
	os.RemoveAll(filepath.Join(closed, ".gaff"))
	if a := startDev(t, closed).do(t, "POST", "/rest/order", `{"item":"pen"}`); a.status != 500 || !strings.Contains(a.body, "public addresses only") {
		t.Errorf("without permission: %d %s", a.status, a.body)
	}
}

// A script reads an answer while the server is still sending it, and aborts one that never ends.
func TestAnswerIsStreamed(t *testing.T) {
	t.Parallel()
	next, gone := make(chan struct{}), make(chan struct{})
	world := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/next":
			next <- struct{}{}
		case "/steps":
			for i := range 3 {
				fmt.Fprintf(w, "step %d €\n", i)
				w.(http.Flusher).Flush()
				select {
				case <-next:
				case <-r.Context().Done():
					return
				}
			}
		case "/forever":
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, strings.Repeat("x", 1000)); err != nil {
					break
				}
			}
			close(gone)
		}
	}))
	defer world.Close()
	project := t.TempDir()
	writeFile(t, filepath.Join(project, "gaff.yaml"), `hooks: [{service: story, script: story.js}]`)
	writeFile(t, filepath.Join(project, "story.js"), fmt.Sprintf(`
async function beforePOST(req, res) {
  const decoder = new TextDecoder();
  const steps = [];
  for await (const piece of (await fetch(%[1]q + '/steps')).body) {
    steps.push(decoder.decode(piece, { stream: true }).trim());
    await fetch(%[1]q + '/next');
  }
  const stop = new AbortController();
  const reader = (await fetch(%[1]q + '/forever', { signal: stop.signal })).body.getReader();
  const first = (await reader.read()).value.length > 0;
  stop.abort();
  const aborted = await reader.read().then(() => reader.read()).then(() => reader.read()).catch((e) => e.name);
  res.end({ data: { steps, first, aborted } });
}`, world.URL))
	d := startDev(t, project, "--allow-addresses", "127.0.0.1")
	a := d.do(t, "POST", "/rest/story", `{}`)
	if want := `"steps":["step 0 €","step 1 €","step 2 €"],"first":true,"aborted":"AbortError"`; !strings.Contains(a.body, want) {
		t.Errorf("%d %s, want %s", a.status, a.body, want)
	}
	<-gone
	log := d.eventually(t, "GET", "/v1/logs?kind=hook", "", func(a answer) bool { return strings.Contains(a.body, "/steps: 200") })
	if !strings.Contains(log.body, `step 0 €\nstep 1 €\nstep 2 €`) {
		t.Errorf("the record lacks what was read: %s", log.body)
	}
}
