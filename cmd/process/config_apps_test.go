package process_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"gaff/cmd/process"
	"gaff/hooks"
)

func TestParseApps(t *testing.T) {
	t.Parallel()
	own := func(app string, n int) process.AppSet {
		return process.AppSet{Apps: hooks.Apps{Only: app}, Executors: n}
	}
	rest := func(apps ...string) process.AppSet { return process.AppSet{Apps: hooks.Apps{Except: apps}} }
	for text, want := range map[string][]process.AppSet{
		"*":                {},
		"shop":             {own("shop", 0)},
		"shop,blog":        {own("shop", 0), own("blog", 0)},
		"shop, *":          {own("shop", 0), rest("shop")},
		"*,shop:2":         {own("shop", 2), rest("shop")},
		"*,!shop":          {rest("shop")},
		"*,!shop,!blog":    {rest("blog", "shop")},
		"shop:256,!blog,*": {own("shop", 256), rest("blog", "shop")},
	} {
		got, err := process.ParseApps(text)
		if err != nil || len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"":            "not the name of an app",
		"shop,":       "not the name of an app",
		"a b":         "not the name of an app",
		"**":          "not the name of an app",
		"!":           "not the name of an app",
		"!*":          "not the name of an app",
		"*:2,shop":    "not the name of an app",
		"shop,shop":   "shop is there twice",
		"*,*":         "* is there twice",
		"shop,!shop":  "shop is there twice",
		"shop,shop:2": "shop is there twice",
		"!shop":       "add *",
		"shop,!blog":  "add *",
		"*,!shop:2":   "has no executors here",
		"shop:0":      "from 1 to 256",
		"shop:257":    "from 1 to 256",
		"shop:":       "from 1 to 256",
		"shop:many":   "from 1 to 256",
	} {
		if got, err := process.ParseApps(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v; want %q", text, got, err, want)
		}
	}
}

func TestLoadConfigApps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		command, apps, executors string
		want                     string // in the error; empty: there is none
	}{
		{"worker", "shop:2,*", "4", ""},
		{"worker", "shop", "0", ""},
		{"worker", "*,!shop", "0", ""},
		{"worker", "*", "0", ""},
		{"worker", "shop,*", "0", "cannot keep apps apart"},
		{"worker", "shop,blog", "0", "cannot keep apps apart"},
		{"worker", "shop:2", "0", "there are no executors"},
		{"worker", "a,b,c,d,e", "256", "too many"},
		{"worker", "a:1,b:1,c,d,*", "256", ""},
		{"worker", "!shop", "1", "add *"},
		{"enqueuer", "shop,*", "0", ""},
		{"enqueuer", "!shop", "0", "add *"},
	} {
		environ := []string{"GAFF_SQLITE_PATH=gaff.db", "GAFF_APPS=" + c.apps, "GAFF_EXECUTORS=" + c.executors}
		_, err := process.LoadConfig(c.command, nil, environ, nil)
		switch {
		case c.want == "" && err != nil, c.want != "" && (!errors.Is(err, process.ErrUsage) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "GAFF_APPS")):
			t.Errorf("%+v: %v", c, err)
		}
	}
	config, err := process.LoadConfig("worker", []string{"--apps=shop"}, []string{"GAFF_SQLITE_PATH=gaff.db", "GAFF_APPS=*"}, nil)
	if err != nil || config.Serves().Only != "shop" {
		t.Errorf("%+v, %v", config.Apps, err)
	}
}
