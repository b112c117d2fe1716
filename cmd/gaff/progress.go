package main

import (
	"fmt"
	"io"
	"time"
)

// busy tells, on a terminal, that something takes longer than a second. It returns what ends that, to be called once.
func (t *terminal) busy(what string) (done func()) {
	if !t.isTerminal(t.stderr) {
		return func() {}
	}
	return showProgress(t.stderr, what)
}

func showProgress(w io.Writer, what string) (done func()) {
	stop, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		start, shown := time.Now(), false
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				fmt.Fprintf(w, "\r%s: %v\x1b[K", what, time.Since(start).Round(time.Second))
				shown = true
			case <-stop:
				if shown {
					fmt.Fprint(w, "\r\x1b[K")
				}
				return
			}
		}
	}()
	return func() {
		close(stop)
		<-gone // nothing may be written after the result
	}
}
