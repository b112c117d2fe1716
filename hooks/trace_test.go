package hooks

import "testing"

const (
	someTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	someSpan  = "00f067aa0ba902b7"
)

func TestParseTrace(t *testing.T) {
	t.Parallel()
	whole := "00-" + someTrace + "-" + someSpan + "-01"
	for text, want := range map[string]string{
		whole: whole,
		"00-" + someTrace + "-" + someSpan + "-00":              "00-" + someTrace + "-" + someSpan + "-00",
		"cc-" + someTrace + "-" + someSpan + "-01":              whole,
		"cc-" + someTrace + "-" + someSpan + "-01-what-will-be": whole,
		"cc-" + someTrace + "-" + someSpan + "-01.what":         "",
		"ff-" + someTrace + "-" + someSpan + "-01":              "",
		whole + "-": "",
		whole + "0": "",
		" " + whole: "",
		"":          "",
		"00":        "",
		"00-" + someTrace + "-" + someSpan + "-0":                 "",
		"00-" + someTrace + "-" + someSpan + "-0g":                "",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-" + someSpan + "-01": "",
		"00-00000000000000000000000000000000-" + someSpan + "-01": "",
		"00-" + someTrace + "-0000000000000000-01":                "",
		"00_" + someTrace + "-" + someSpan + "-01":                "",
		"00-" + someTrace + "_" + someSpan + "-01":                "",
		"00-" + someTrace + "-" + someSpan + "_01":                "",
		"0x-" + someTrace + "-" + someSpan + "-01":                "",
	} {
		if got := ParseTrace(text); got != want {
			t.Errorf("%q gives %q", text, got)
		}
	}
}

func TestNextTrace(t *testing.T) {
	t.Parallel()
	whole := "00-" + someTrace + "-" + someSpan + "-01"
	next := NextTrace(whole)
	if ParseTrace(next) != next || TraceID(next) != someTrace || next == whole || next == NextTrace(whole) || next[len(next)-2:] != "01" {
		t.Errorf("%q is followed by %q", whole, next)
	}
	if NextTrace("") != "" || TraceID("") != "" {
		t.Error("no trace becomes one")
	}
}

func FuzzParseTrace(f *testing.F) {
	f.Add("00-" + someTrace + "-" + someSpan + "-01")
	f.Add("cc-" + someTrace + "-" + someSpan + "-01-x")
	f.Fuzz(func(t *testing.T, text string) {
		trace := ParseTrace(text)
		if trace == "" {
			return
		}
		if ParseTrace(trace) != trace || len(TraceID(trace)) != 32 || ParseTrace(NextTrace(trace)) == "" {
			t.Errorf("%q gives %q", text, trace)
		}
	})
}
