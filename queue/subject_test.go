package queue

import (
	"strings"
	"testing"

	"gaff/hooks"
)

func TestSubjects(t *testing.T) {
	t.Parallel()
	s := subjects{"gaff"}
	e := &hooks.Event{App: "default", Service: "Event", Operation: "sendEvent", Phase: hooks.After}
	e.Key = "17"
	if got := s.ask(e); got != "gaff.ask.after.default.Event.sendEvent" {
		t.Error(got)
	}
	if got := s.event(e); got != "gaff.event.default.1.Event.sendEvent.after" {
		t.Error(got)
	}
	if got := s.record("default", hooks.KindJob, "nightly"); got != "gaff.log.default.job.nightly" {
		t.Error(got)
	}
	e.Key, e.ID = "", "17"
	if got := s.event(e); !strings.Contains(got, ".1.") {
		t.Errorf("%s: the id does not stand in for the key", got)
	}
}

func TestParseSubjects(t *testing.T) {
	t.Parallel()
	s := subjects{"gaff"}
	long := strings.Repeat("x", 64)
	for subject, ok := range map[string]bool{
		"gaff.ask.before.default.customer.POST":          true,
		"gaff.ask.failed.a-b.c_d." + long:                true,
		"gaff.ask.before.default.customer." + long + "x": false,
		"gaff.ask.before.default.customer":               false,
		"gaff.ask.before.default.customer.POST.more":     false,
		"gaff.ask.before.default..POST":                  false,
		"gaff.ask.before.default.*.POST":                 false,
		"gaff.ask.tick.default.customer.POST":            false,
		"gaff.ask.Before.default.customer.POST":          false,
		"gaffer.ask.before.default.customer.POST":        false,
		"gaff.event.default.0.customer.POST.after":       false,
		"": false,
	} {
		var e hooks.Event
		if err := s.parseAsk(subject, &e); (err == nil) != ok {
			t.Errorf("%s: %v", subject, err)
		}
	}
	for subject, ok := range map[string]bool{
		"gaff.event.default.0.customer.POST.after":   true,
		"gaff.event.default.99.customer.POST.failed": true,
		"gaff.event.default.x.customer.POST.after":   false,
		"gaff.event.default.-1.customer.POST.after":  false,
		"gaff.event.default.customer.POST.after":     false,
		"gaff.event.default.0.customer.POST.late":    false,
	} {
		var e hooks.Event
		if err := s.parseEvent(subject, &e); (err == nil) != ok {
			t.Errorf("%s: %v", subject, err)
		}
	}
}

// Events of one key must stay in one part for as long as the stream keeps them: these figures never change.
func TestPartition(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]int{"": 5, "a": 12, "17": 1, "customer-4711": 15} {
		if got := partition(key, 16); got != want {
			t.Errorf("%q: %d, want %d", key, got, want)
		}
	}
}

// Whatever is accepted is built from the same parts again, and consists of valid names.
func FuzzSubjects(f *testing.F) {
	f.Add("gaff.ask.before.default.customer.POST")
	f.Add("gaff.event.default.3.customer.POST.after")
	f.Add("gaff.ask.....")
	f.Add("gaff.event.>.1.*.$.\x00")
	s := subjects{"gaff"}
	f.Fuzz(func(t *testing.T, subject string) {
		var e hooks.Event
		if s.parseAsk(subject, &e) == nil {
			if s.ask(&e) != subject {
				t.Errorf("%q becomes %q", subject, s.ask(&e))
			}
			valid(t, &e)
		}
		e = hooks.Event{}
		if s.parseEvent(subject, &e) == nil {
			if strings.Count(s.event(&e), ".") != strings.Count(subject, ".") {
				t.Errorf("%q becomes %q", subject, s.event(&e))
			}
			valid(t, &e)
		}
	})
}

func valid(t *testing.T, e *hooks.Event) {
	t.Helper()
	if !e.Phase.Valid() || !hooks.ValidName(e.App) || !hooks.ValidName(e.Service) || !hooks.ValidName(e.Operation) {
		t.Errorf("accepted %+v", e)
	}
}
