package edge

import (
	"testing"

	"gaff/hooks"
)

// What is in quarantine says so, by itself alone, until it is switched on.
func TestStanding(t *testing.T) {
	t.Parallel()
	in := map[string]hooks.Quarantine{"bad": {Code: hooks.CodeHookTimeout, Reason: "it times out"}}
	var st standing
	st.stand(true, in, "bad")
	if !st.Enabled || st.Quarantine == nil || st.Quarantine.Reason != "it times out" {
		t.Errorf("%+v", st)
	}
	bad := st
	st.stand(false, in, "good")
	if st.Enabled || st.Quarantine != nil {
		t.Errorf("%+v", st)
	}
	if bad.turn(false); bad.Enabled || bad.Quarantine == nil {
		t.Errorf("switched off: %+v", bad)
	}
	if bad.turn(true); !bad.Enabled || bad.Quarantine != nil {
		t.Errorf("switched on: %+v", bad)
	}
}
