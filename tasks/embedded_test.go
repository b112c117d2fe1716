package tasks

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestEmbedded(t *testing.T) {
	t.Parallel()
	e, err := StartEmbedded(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	opt, err := redis.ParseURL(e.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(opt)
	defer client.Close()
	if err := client.Set(t.Context(), "key", "value", time.Second).Err(); err != nil {
		t.Fatal(err)
	}
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for late := time.Now().Add(patience); client.Exists(t.Context(), "key").Val() == 1; <-poll.C {
		if time.Now().After(late) {
			t.Fatal("the key does not expire")
		}
	}
	opt.Password = ""
	stranger := redis.NewClient(opt)
	defer stranger.Close()
	if err := stranger.Ping(context.Background()).Err(); err == nil || !strings.Contains(err.Error(), "NOAUTH") {
		t.Errorf("without a password: %v", err)
	}
}
