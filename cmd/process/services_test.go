package process_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"gaff/cmd/process"
)

func TestServicesOfTheEnvironment(t *testing.T) {
	t.Parallel()
	environ := []string{
		"GAFF_SQLITE_PATH=gaff.db", "GAFF_SERVICE_REDIS=redis://localhost", "GAFF_SERVICE_REDIS_APPS=shop, default",
		"GAFF_SERVICE_ORDERS_DB_FILE=" + file(t, "postgres://user:secret@db/orders\n"), "GAFF_SERVICE_OLD=mysql://u:p@db/old?pool_max_conns=3",
	}
	c, err := process.LoadConfig("worker", []string{"--service-cache=rediss://cache", "--service-cache-apps", "*"}, environ, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]process.Service{
		"redis":     {URL: "redis://localhost", Apps: []string{"shop", "default"}},
		"orders_db": {URL: "postgres://user:secret@db/orders"},
		"old":       {URL: "mysql://u:p@db/old?pool_max_conns=3"},
		"cache":     {URL: "rediss://cache", Apps: []string{"*"}},
	}
	if !reflect.DeepEqual(c.Services, want) {
		t.Errorf("got %+v", c.Services)
	}
}

func TestServicesThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, entry := range []string{
		"GAFF_SERVICE_X=http://secret@host", "GAFF_SERVICE_X=secret", "GAFF_SERVICE_X=postgres://u:secret@host:port/x", "GAFF_SERVICE_=redis://secret",
		"GAFF_SERVICE_X_APPS=shop", "GAFF_SERVICE_X_APPS=a b", "GAFF_SERVICE_X=redis://:secret@host/nonsense", "GAFF_SERVICE_X_FILE=/nowhere",
		"GAFF_SERVICE_X=mysql://u:secret@h/x?nonsense=%zz", "GAFF_SERVICE_X=mysql://u:secret@h/x?pool_max_conns=many", "GAFF_SERVICE_X=redis://a:secret%@host",
	} {
		var out bytes.Buffer
		_, err := process.LoadConfig("worker", nil, []string{"GAFF_SQLITE_PATH=gaff.db", entry}, &out)
		if !errors.Is(err, process.ErrUsage) {
			t.Errorf("%s: %v", entry, err)
		} else if strings.Contains(err.Error()+out.String(), "secret") {
			t.Errorf("%s: the secret is told: %v", entry, err)
		}
	}
}
