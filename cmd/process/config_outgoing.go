package process

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"gaff/outbound"
)

// outgoing bounds what scripts ask of the world.
func (c *Config) outgoing() outbound.Config {
	return outbound.Config{Allow: c.AllowAddresses, MaxCalls: c.OutgoingCalls, MaxSize: c.OutgoingSize, AtOnce: c.OutgoingAtOnce}
}

func setAllowed(c *Config, s string) (err error) {
	c.AllowAddresses, err = ParseRanges(s)
	return err
}

// ParseRanges reads ranges of addresses, separated by commas: 10.0.0.0/8, or one address.
func ParseRanges(s string) ([]netip.Prefix, error) {
	var ranges []netip.Prefix
	for text := range strings.SplitSeq(s, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			addr, bad := netip.ParseAddr(text)
			if bad != nil || addr.Zone() != "" {
				return nil, fmt.Errorf("%.80q is not a range such as 10.0.0.0/8, or an address", text)
			}
			p = netip.PrefixFrom(addr, addr.BitLen())
		}
		ranges = append(ranges, p.Masked())
	}
	return ranges, nil
}

// The least and the most that a body of an outgoing call may be bounded to. What scripts hand over is bounded anyway.
const (
	minOutgoing = 1 << 10
	maxOutgoing = 64 << 20
)

func setOutgoingSize(c *Config, s string) error {
	n, err := humanize.ParseBytes(s)
	if err != nil || n < minOutgoing || n > maxOutgoing {
		return fmt.Errorf("%q is not a size from 1KiB to 64MiB", s)
	}
	c.OutgoingSize = int64(n)
	return nil
}

// within sets a number between two others.
func within(field func(*Config) *int, least, most int) func(*Config, string) error {
	return func(c *Config, s string) error {
		n, err := strconv.Atoi(s)
		if err != nil || n < least || n > most {
			return fmt.Errorf("%q is not a number from %d to %d", s, least, most)
		}
		*field(c) = n
		return nil
	}
}
