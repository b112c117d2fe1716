// Package outbound lets scripts reach the world: HTTP, Slack, mail.
//
// What it promises. A script reaches public addresses and nothing else: no private, loopback, link-local or metadata
// address, however it is written, whatever a name resolves to and wherever a redirect leads, unless the operator has
// allowed the range. The address that is checked is the one that is dialled. Number, time and size of what one run does
// are bounded, and so is what all runs do at the same moment. Each call leaves a line in the log of its run, without
// credentials and without the query.
//
// What it does not promise. Nothing is tried a second time. Answers are read whole; there are no streams.
package outbound
