package hooks

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Scripts that were exported from where they ran before end with comments that say how they were run there.
const trailerMark = "brainCloud meta-data begins now"

var trailerTimeout = regexp.MustCompile(`(?m)^//\s*"scriptTimeout"\s*:\s*"?(\d{1,5})"?\s*,?\s*$`)

// trailerTime is for how long the file of a script says that it may run, at most [MaxTimeout]; 0 if it does not say.
func trailerTime(source string) time.Duration {
	at := strings.LastIndex(source, trailerMark)
	if at < 0 {
		return 0
	}
	m := trailerTimeout.FindStringSubmatch(source[at:])
	if m == nil {
		return 0
	}
	seconds, err := strconv.Atoi(m[1])
	if err != nil {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, MaxTimeout)
}

// scriptTime is for how long a script runs that nobody gives a time: as long as its file says, else [DefaultTimeout].
func (r *Release) scriptTime(file string) time.Duration {
	if d := trailerTime(r.Files[file]); d > 0 {
		return d
	}
	return DefaultTimeout
}
