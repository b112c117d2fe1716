package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gaff/hooks"
)

func newKeys(t *terminal) *cobra.Command {
	g := &target{terminal: t}
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Make, list and revoke keys",
		Long: "Make, list and revoke the keys that let programs and people act on an app. Without a command, they are listed.\n" +
			"A key cannot be shown again: the server does not have it.",
		Example: "  gaff keys create --scopes data,rpc --name shop-front --expires 90d\n  gaff keys revoke 0123456789abcdef",
		Args:    arguments(cobra.NoArgs),
		RunE:    g.listKeys,
	}
	g.flags(cmd)
	cmd.AddCommand(g.newKeysCreate(), &cobra.Command{
		Use: "list", Short: "List keys", Example: "  gaff keys list --app shop", Args: arguments(cobra.NoArgs), RunE: g.listKeys,
	}, &cobra.Command{
		Use:     "revoke ID",
		Short:   "Make a key worthless at once",
		Example: "  gaff keys revoke 0123456789abcdef",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.revokeKey(cmd.Context(), args[0])
		},
		ValidArgsFunction: g.names("/v1/keys", "id"),
	})
	return cmd
}

func (g *target) listKeys(cmd *cobra.Command, _ []string) error {
	now := time.Now()
	return list(cmd.Context(), g, "/v1/keys", "There are no keys: `gaff keys create` makes one.",
		func(keys []hooks.Key) (header []string, rows [][]string) {
			for i := range keys {
				k := &keys[i]
				rows = append(rows, []string{k.ID, k.App, k.Name, joinScopes(k.Scopes), moment(k.Created), expiry(k), keyState(k, now)})
			}
			return []string{"ID", "APP", "NAME", "SCOPES", "CREATED", "EXPIRES", "STATE"}, rows
		})
}

func joinScopes(scopes []hooks.Scope) string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return strings.Join(names, ",")
}

func expiry(k *hooks.Key) string {
	if k.Expires == nil {
		return "never"
	}
	return moment(*k.Expires)
}

func keyState(k *hooks.Key, now time.Time) string {
	switch {
	case k.Revoked:
		return "revoked"
	case k.Expires != nil && !now.Before(*k.Expires):
		return "expired"
	}
	return "valid"
}

// newKey is what a key is asked for with.
type newKey struct {
	App     string        `json:"app,omitempty"`
	Name    string        `json:"name,omitempty"`
	Scopes  []hooks.Scope `json:"scopes"`
	Expires *time.Time    `json:"expires,omitempty"`
	Rate    float64       `json:"rate,omitempty"`
	Signed  bool          `json:"signed,omitempty"`
}

func (g *target) newKeysCreate() *cobra.Command {
	var scopes []string
	var name, expires string
	var rate float64
	var signed bool
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make a key and show it, this once",
		Long: "Make a key and show it, this once: the key alone on stdout, everything else on stderr.\n\n" +
			"Scopes: data (/rest), rpc (/rpc), api (/api), log (the log), admin (everything of the app).\n\n" +
			"With --signed there is a signing secret too, in a second line, and the server takes no request with the key\n" +
			"that is not signed with it: see the reference of HTTP.",
		Example: "  gaff keys create --scopes data,rpc --name shop-front --expires 90d\n" +
			"  gaff keys create --scopes admin --app shop -o json",
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			k := newKey{App: g.app, Name: name, Rate: rate, Signed: signed}
			var err error
			if k.Scopes, err = parseScopes(scopes); err != nil {
				return err
			}
			if k.Expires, err = parseExpiry(expires, time.Now()); err != nil {
				return err
			}
			return g.createKey(cmd.Context(), &k)
		},
	}
	cmd.Flags().StringSliceVar(&scopes, "scopes", nil, "what the key may do: some of data, rpc, api, log, admin")
	cmd.Flags().StringVar(&name, "name", "", "what people call it")
	cmd.Flags().StringVar(&expires, "expires", "", "when it ends: after 90d or 12h, or at 2027-01-02; default: never")
	cmd.Flags().Float64Var(&rate, "rate", 0, "requests a second that each server takes; default: any")
	cmd.Flags().BoolVar(&signed, "signed", false, "requests with the key must be signed")
	g.complete(cmd, "scopes", oneOf("data", "rpc", "api", "log", "admin"))
	return cmd
}

func (g *target) createKey(ctx context.Context, k *newKey) error {
	answer, err := g.call(ctx, http.MethodPost, "/v1/keys", k)
	if err != nil {
		return err
	}
	var made struct {
		hooks.Key
		Secret  string `json:"key"`
		Signing string `json:"signingSecret"`
	}
	if err := decode(answer, &made); err != nil {
		return err
	}
	if made.Secret == "" {
		return fmt.Errorf("the server's answer has no key: revoke %s", oneLine(cmp.Or(made.ID, "what it made")))
	}
	if g.output == "json" {
		if err := g.printJSON(answer); err != nil {
			return err
		}
	} else {
		fmt.Fprintln(g.stdout, oneLine(made.Secret))
		if made.Signing != "" {
			fmt.Fprintln(g.stdout, oneLine(made.Signing))
		}
	}
	fmt.Fprintf(g.stderr, "Keep it safe: it is not shown again, and who has it may do %s of app %s. `gaff keys revoke %s` ends it.\n",
		joinScopes(made.Scopes), oneLine(made.App), oneLine(made.ID))
	return nil
}

func (g *target) revokeKey(ctx context.Context, id string) error {
	if !hooks.ValidKeyID(id) { // it may be a key: it is not repeated
		return usagef("give the id of the key, 16 digits of 0-9 a-f: `gaff keys list` shows it")
	}
	if _, err := g.call(ctx, http.MethodDelete, "/v1/keys/"+id, nil); err != nil {
		return advise(err, hooks.CodeNotFound, "`gaff keys list` shows the keys that there are.")
	}
	return g.done("revoked", id, "key %s is worthless now\n", id)
}

// done tells of a change that the server answers without words.
func (g *target) done(what, name, format string, args ...any) error {
	if g.output == "json" {
		return g.printValue(map[string]string{what: name})
	}
	fmt.Fprintf(g.stdout, format, args...)
	return nil
}

func parseScopes(names []string) ([]hooks.Scope, error) {
	if len(names) == 0 {
		return nil, usagef("say what the key may do, such as --scopes data,rpc: some of data, rpc, api, log, admin")
	}
	scopes := make([]hooks.Scope, len(names))
	for i, name := range names {
		if scopes[i] = hooks.Scope(strings.TrimSpace(name)); !scopes[i].Valid() {
			return nil, usagef("--scopes: %q is none of data, rpc, api, log, admin", name)
		}
	}
	return scopes, nil
}

// parseExpiry reads --expires: a duration from now, a day or a time. Nothing means never.
func parseExpiry(s string, now time.Time) (*time.Time, error) {
	if s == "" {
		return nil, nil
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		at, err = time.ParseInLocation(time.DateOnly, s, time.Local)
	}
	if err != nil {
		var d time.Duration
		d, err = parseDuration(s)
		at = now.Add(d).Truncate(time.Second)
	}
	if err != nil {
		return nil, usagef("--expires %q: use a duration such as 90d or 12h, or a time such as 2027-01-02 or 2027-01-02T15:04:05Z", s)
	}
	if !at.After(now) {
		return nil, usagef("--expires %q is in the past", s)
	}
	at = at.UTC()
	return &at, nil
}

// parseDuration is [time.ParseDuration] that also knows whole days, such as 90d.
func parseDuration(s string) (time.Duration, error) {
	days, ok := strings.CutSuffix(s, "d")
	if !ok {
		return time.ParseDuration(s)
	}
	n, err := strconv.ParseUint(days, 10, 16)
	return time.Duration(n) * 24 * time.Hour, err
}
