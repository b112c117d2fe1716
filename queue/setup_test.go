package queue

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/tidwall/gjson"
)

// A process that starts changes nothing of what is as it should be, and what its configuration says otherwise.
func TestSetupChangesWhatDiffers(t *testing.T) {
	t.Parallel()
	first := connect(t, Config{})
	changed := make(chan *nats.Msg, 256)
	sub, err := first.nc.ChanSubscribe("$JS.EVENT.ADVISORY.STREAM.UPDATED.>", changed)
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Unsubscribe()
	first.flush()
	ours := func() (names []string) {
		first.flush()
		for len(changed) > 0 {
			name := gjson.GetBytes((<-changed).Data, "stream").String()
			if strings.Contains(name, strings.ToUpper(first.config.Prefix)) {
				names = append(names, name)
			}
		}
		return names
	}
	config := first.config
	connect(t, config)
	if names := ours(); len(names) > 0 {
		t.Errorf("the same configuration changed %v", names)
	}
	config.EventsMaxAge = 3 * time.Hour
	c := connect(t, config)
	if names := ours(); !slices.Equal(names, []string{first.eventStream()}) {
		t.Errorf("another age of events changed %v", names)
	}
	there, err := c.js.Stream(t.Context(), c.eventStream())
	if err != nil || there.CachedInfo().Config.MaxAge != 3*time.Hour {
		t.Errorf("%v, %v", there, err)
	}
}
