// Command enqueuer serves HTTP, starts jobs by the clock and publishes what was committed, until it is told to stop.
package main

import (
	"context"
	"os"
	_ "time/tzdata" // schedules name time zones, also where none are installed

	"gaff/cmd/process"
)

func main() {
	os.Exit(process.Main(context.Background(), "enqueuer", process.Enqueuer, os.Args[1:], os.Environ(), os.Stderr))
}
