package hooks

import (
	"encoding/json"
	"math"
	"strings"
	"time"
)

// TaskTime is the moment for which a task is ordered: after a delay from now, in seconds or as text such as 5m, or at a time, in
// milliseconds since 1970 or RFC 3339; both are JSON, and nil if they are not given. The zero time if neither is. The error is
// a BAD_REQUEST.
func TaskTime(delay, at json.RawMessage, now time.Time) (time.Time, error) {
	switch given, alsoAt := present(delay), present(at); {
	case given && alsoAt:
		return time.Time{}, Errorf(CodeBadRequest, "give delay or at, not both")
	case given:
		d, err := delayIn(delay)
		return now.Add(d), err
	case alsoAt:
		return moment(at)
	}
	return time.Time{}, nil
}

func present(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// maxSeconds is more than an order may lie ahead, and still a duration.
const maxSeconds = 1e9

func delayIn(raw json.RawMessage) (time.Duration, error) {
	var seconds float64
	if json.Unmarshal(raw, &seconds) == nil && seconds >= 0 && seconds < maxSeconds {
		return time.Duration(seconds * float64(time.Second)), nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if d, err := time.ParseDuration(text); err == nil && d >= 0 {
			return d, nil
		}
	}
	return 0, Errorf(CodeBadRequest, "delay %.40s: seconds are needed, or a text such as 5m", raw)
}

func moment(raw json.RawMessage) (time.Time, error) {
	var ms float64
	if json.Unmarshal(raw, &ms) == nil && math.Abs(ms) < 1000*maxSeconds*1000 {
		return time.UnixMilli(int64(ms)), nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if at, err := time.Parse(time.RFC3339, strings.TrimSpace(text)); err == nil {
			return at, nil
		}
	}
	return time.Time{}, Errorf(CodeBadRequest,
		"at %.40s: a time is needed, such as 2026-01-02T15:04:05Z, or milliseconds since 1970", raw)
}
