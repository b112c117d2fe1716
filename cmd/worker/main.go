// Command worker runs hooks and jobs until it is told to stop.
package main

import (
	"context"
	"os"
	_ "time/tzdata" // schedules name time zones, also where none are installed

	"gaff/cmd/process"
)

func main() {
	os.Exit(process.Main(context.Background(), "worker", process.Worker, os.Args[1:], os.Environ(), os.Stderr))
}
