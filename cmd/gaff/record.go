package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"gaff/hooks"
)

// recordPrinter prints records for people: a line for each run, its script's own log lines indented below.
type recordPrinter struct {
	w       io.Writer
	colours bool
}

func (t *terminal) newRecordPrinter() *recordPrinter {
	return &recordPrinter{w: t.stdout, colours: t.colours(t.stdout)}
}

const (
	timeFormat  = "2006-01-02 15:04:05.000"
	shortFormat = "15:04:05.000"
)

// The colours of a terminal.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
	grey   = "90"
)

// print writes one record in one piece, so that others may write to the same terminal.
func (p *recordPrinter) print(r *hooks.Record) error {
	if r.Kind == hooks.KindAlert && r.Error != nil {
		_, err := fmt.Fprintf(p.w, "%s %s %s\n", p.paint(grey, r.Time.Local().Format(timeFormat)), p.paint(red, string(r.Kind)), alertText(r))
		return err
	}
	if r.Audit != nil {
		_, err := fmt.Fprintf(p.w, "%s %s %s by %s%s\n", p.paint(grey, r.Time.Local().Format(timeFormat)), plain(string(r.Kind)),
			plain(r.Name), oneLine(r.Audit.Actor), fromTo(r.Audit))
		return err
	}
	name := r.Name
	if r.Function != "" {
		name += "." + r.Function
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s %s %s %sms", p.paint(grey, r.Time.Local().Format(timeFormat)), plain(string(r.Kind)), plain(name),
		p.paint(statusColour(r.Status), plain(string(r.Status))), milliseconds(r.MS))
	if r.Attempt > 1 {
		fmt.Fprintf(&b, " attempt %d", r.Attempt)
	}
	if r.End != "" {
		fmt.Fprintf(&b, " %s", indented(r.End))
	}
	if r.Error != nil {
		fmt.Fprintf(&b, " %s: %s", plain(string(r.Error.Code)), indented(r.Error.Message))
	}
	b.WriteByte('\n')
	if r.Error != nil && r.Error.Stack != "" {
		fmt.Fprintf(&b, "    %s\n", indented(strings.TrimSpace(r.Error.Stack)))
	}
	for _, line := range r.Log {
		fmt.Fprintf(&b, "    %s %s %s\n", p.paint(grey, line.Time.Local().Format(shortFormat)), p.paint(levelColour(line.Level),
			plain(line.Level)), indented(line.Text))
	}
	_, err := p.w.Write(b.Bytes())
	return err
}

// alertText says what somebody should look at: a quarantine, or work that was given up.
func alertText(r *hooks.Record) string {
	if r.Audit != nil {
		return indented(r.Error.Message)
	}
	return fmt.Sprintf("hook %s was given up after %s, see `gaff dead`: %s: %s", plain(r.Name), count(r.Attempt, "attempt"),
		plain(string(r.Error.Code)), indented(r.Error.Message))
}

// fromTo says what an audited change replaced by what.
func fromTo(a *hooks.Audit) string {
	switch {
	case a.From == "" && a.To == "":
		return ""
	case a.From == "":
		return ": " + oneLine(a.To)
	}
	return ": " + oneLine(a.From) + " → " + cmp.Or(oneLine(a.To), "none")
}

func (p *recordPrinter) paint(colour, text string) string { return paint(p.colours, colour, text) }

func paint(colours bool, colour, text string) string {
	if !colours || colour == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

func statusColour(s hooks.Status) string {
	switch s {
	case hooks.StatusOK:
		return green
	case hooks.StatusRejected:
		return yellow
	}
	return red
}

func levelColour(level string) string {
	switch level {
	case "error", "fatal":
		return red
	case "warn":
		return yellow
	}
	return ""
}

func milliseconds(ms float64) string {
	d := time.Duration(ms * float64(time.Millisecond))
	if d < 10*time.Millisecond {
		return fmt.Sprintf("%.2f", ms)
	}
	return fmt.Sprintf("%.0f", ms)
}

// indented is text from a script, each further line of it below the first.
func indented(s string) string { return strings.ReplaceAll(plain(s), "\n", "\n      ") }

// plain replaces what a terminal might obey instead of show: the text may come from whoever calls a hooked API.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || !unicode.IsControl(r) && !unicode.Is(unicode.Bidi_Control, r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}
