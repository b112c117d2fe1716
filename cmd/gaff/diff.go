package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

func newDiff(t *terminal) *cobra.Command {
	g := &target{terminal: t}
	cmd := &cobra.Command{
		Use:   "diff [DIR]",
		Short: "Show what applying a project would change",
		Long: "Show what applying a project would change: hooks, jobs and settings field by field, files line by line. The exit\n" +
			"code is 0 also if there are differences.",
		Example: "  gaff diff shop\n  gaff diff -o json",
		Args:    arguments(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.diff(cmd.Context(), folder(args))
		},
		ValidArgsFunction: folders,
	}
	g.flags(cmd)
	return cmd
}

func (g *target) diff(ctx context.Context, dir string) error {
	p, err := g.compared(ctx, dir)
	if err != nil {
		return err
	}
	if g.output == "json" {
		return g.printValue(append([]change{}, p.changes...))
	}
	if len(p.changes) == 0 {
		fmt.Fprintf(g.stdout, "no differences from release %d of %s\n", p.current.Number, oneLine(p.current.App))
		return nil
	}
	d := g.newDiffPrinter()
	d.summary(p.changes)
	d.texts(p.changes)
	return nil
}

// diffPrinter prints changes for people.
type diffPrinter struct {
	w       io.Writer
	colours bool
}

func (t *terminal) newDiffPrinter() *diffPrinter {
	return &diffPrinter{t.stdout, t.colours(t.stdout)}
}

// maxShown is how much of a field's value is shown, in characters.
const maxShown = 80

// summary prints a line for each change, and below it the fields.
func (d *diffPrinter) summary(changes []change) {
	for _, c := range changes {
		sign, colour := "~", yellow
		switch c.Change {
		case added:
			sign, colour = "+", green
		case removed:
			sign, colour = "-", red
		}
		fmt.Fprintln(d.w, paint(d.colours, colour, sign+" "+oneLine(c.Kind+" "+c.Name))+d.size(c))
		for _, f := range c.Fields {
			name := oneLine(f.Field)
			if name != "" {
				name += ": "
			}
			fmt.Fprintf(d.w, "    %s%s → %s\n", name, shown(f.From), shown(f.To))
		}
	}
}

// size says how many lines of a file differ.
func (d *diffPrinter) size(c change) string {
	if c.Kind != "file" {
		return ""
	}
	more, less := 0, 0
	_, hunks, _ := strings.Cut(c.Diff, "\n@@")
	_, hunks, _ = strings.Cut(hunks, "\n")
	for line := range strings.Lines(hunks) {
		switch line[0] {
		case '+':
			more++
		case '-':
			less++
		}
	}
	return fmt.Sprintf(" (+%d -%d)", more, less)
}

// shown is a field's value as a person wrote it, as far as it is short.
func shown(value json.RawMessage) string {
	if value == nil {
		return "none"
	}
	text := []rune(oneLine(string(value)))
	if len(text) > maxShown {
		text = append(text[:maxShown], '…')
	}
	return string(text)
}

// texts prints the differences of files.
func (d *diffPrinter) texts(changes []change) {
	for _, c := range changes {
		for line := range strings.Lines(c.Diff) {
			line = strings.TrimSuffix(line, "\n")
			end := "\n"
			if strings.HasSuffix(line, "\r") {
				line, end = strings.TrimSuffix(line, "\r"), "\r\n" // the difference can be applied as it is
			}
			fmt.Fprint(d.w, paint(d.colours, lineColour(line), plain(line)), end)
		}
	}
}

func lineColour(line string) string {
	switch {
	case strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "+++ "):
		return grey
	case strings.HasPrefix(line, "@@"):
		return cyan
	case strings.HasPrefix(line, "+"):
		return green
	case strings.HasPrefix(line, "-"):
		return red
	}
	return ""
}
