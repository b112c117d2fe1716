package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"
)

func newApply(t *terminal) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "apply [DIR]",
		Short: "Make a project its app's release",
		Long:  "Make a project its app's release. If anything is wrong with it, every problem is told and nothing is applied.",
		Args:  arguments(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			release, err := loadProject(folder(args))
			if err != nil {
				return err
			}
			c, err := t.newClient(release.App)
			if err != nil {
				return err
			}
			answer, err := c.call(cmd.Context(), http.MethodPost, "/v1/releases", nil, map[string]any{"files": release.Files})
			if err != nil {
				return err
			}
			return t.printRelease(answer, output)
		},
	}
	outputFlag(cmd, &output)
	return cmd
}

func (t *terminal) printRelease(answer []byte, output string) error {
	var release struct {
		Release uint64 `json:"release"`
	}
	if err := json.Unmarshal(answer, &release); err != nil || release.Release == 0 {
		return fmt.Errorf("the server's answer is not a release: %.200s", plain(string(answer)))
	}
	if output == "json" {
		var line bytes.Buffer
		if err := json.Compact(&line, answer); err != nil {
			return err
		}
		fmt.Fprintln(t.stdout, line.String())
		return nil
	}
	fmt.Fprintf(t.stdout, "release %d\n", release.Release)
	return nil
}
