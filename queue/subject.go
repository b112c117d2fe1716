package queue

import (
	"cmp"
	"strconv"
	"strings"

	"gaff/hooks"
)

// subjects builds and reads the subjects under one prefix.
type subjects struct{ prefix string }

// partitions is how many parts the events of an app are split into by key. Events of one key are always in one part.
const partitions = 16

// ask is where the hooks of an event are asked: prefix.ask.phase.app.service.operation.
func (s subjects) ask(e *hooks.Event) string {
	return s.prefix + ".ask." + string(e.Phase) + "." + e.App + "." + e.Service + "." + e.Operation
}

// asks matches every ask of an app; * is any.
func (s subjects) asks(app string) string { return s.prefix + ".ask.*." + app + ".*.*" }

// cell is where a process takes what it runs alone: prefix.cell.name.
func (s subjects) cell(name string) string { return s.prefix + ".cell." + name }

// bundles is where gates send several asks as one message.
func (s subjects) bundles() string { return s.prefix + ".bundle" }

// event is where an event is published: prefix.event.app.partition.service.operation.phase.
func (s subjects) event(e *hooks.Event) string {
	p := strconv.Itoa(partition(cmp.Or(e.Key, e.ID), partitions))
	return s.prefix + ".event." + e.App + "." + p + "." + e.Service + "." + e.Operation + "." + string(e.Phase)
}

// record is where the records of a hook or job go: prefix.log.app.kind.name.
func (s subjects) record(app string, kind hooks.Kind, name string) string {
	return s.prefix + ".log." + app + "." + string(kind) + "." + name
}

// work is where a hook that is to be tried again is published: prefix.work.app.hook.
func (s subjects) work(app, hook string) string { return s.prefix + ".work." + app + "." + hook }

// dead is where a hook that was given up is published: prefix.dead.app.hook.
func (s subjects) dead(app, hook string) string { return s.prefix + ".dead." + app + "." + hook }

// done is where it is told which runs have their records.
func (s subjects) done() string { return s.prefix + ".done" }

// held is where an event of an app that is paused waits, by the subject that it was published at.
func (s subjects) held(event string) string {
	return s.prefix + ".held." + strings.TrimPrefix(event, s.prefix+".event.")
}

// unheld is the subject that an event which was held was published at.
func (s subjects) unheld(held string) string {
	return s.prefix + ".event." + strings.TrimPrefix(held, s.prefix+".held.")
}

// lane is the one that the subject of an event belongs to; ok is false if its partition has none.
func (s subjects) lane(event string) (id laneID, ok bool) {
	parts, err := s.split(event, ".event.", 5)
	if err != nil {
		return id, false
	}
	part, err := strconv.ParseUint(parts[1], 10, 16)
	return laneID{parts[0], int(part)}, err == nil && part < partitions
}

// parseAsk reads the subject of an ask into the event. The error says what is wrong with it.
func (s subjects) parseAsk(subject string, e *hooks.Event) error {
	parts, err := s.split(subject, ".ask.", 4)
	if err != nil {
		return err
	}
	e.Phase, e.App, e.Service, e.Operation = hooks.Phase(parts[0]), parts[1], parts[2], parts[3]
	return checkCall(e)
}

// appOf is the app of an ask's subject, as far as it names one.
func (s subjects) appOf(subject string) string {
	return token(subject[min(len(s.prefix)+len(".ask."), len(subject)):], 1)
}

// appOfCall is the app of a method call's subject, as far as it names one.
func (s subjects) appOfCall(subject string) string {
	return token(subject[min(len(s.prefix)+len(".call."), len(subject)):], 0)
}

// token is the n-th part of a subject.
func token(subject string, n int) string {
	for range n {
		_, subject, _ = strings.Cut(subject, ".")
	}
	part, _, _ := strings.Cut(subject, ".")
	return part
}

// parseEvent reads the subject of an event. Any partition will do, so that their number can change.
func (s subjects) parseEvent(subject string, e *hooks.Event) error {
	parts, err := s.split(subject, ".event.", 5)
	if err != nil {
		return err
	}
	if _, err := strconv.ParseUint(parts[1], 10, 16); err != nil {
		return hooks.Errorf(hooks.CodeBadRequest, "partition %.80q is not a number", parts[1])
	}
	e.App, e.Service, e.Operation, e.Phase = parts[0], parts[2], parts[3], hooks.Phase(parts[4])
	return checkCall(e)
}

const maxParts = 5

// split returns the n tokens behind the prefix and the kind.
func (s subjects) split(subject, kind string, n int) (parts [maxParts]string, err error) {
	rest, ok := strings.CutPrefix(subject, s.prefix)
	if ok {
		rest, ok = strings.CutPrefix(rest, kind)
	}
	for i := 0; ok && i < n; i++ {
		var more bool
		parts[i], rest, more = strings.Cut(rest, ".")
		ok = more == (i < n-1)
	}
	if !ok {
		return parts, hooks.Errorf(hooks.CodeBadName, "subject %.200q does not have %d names behind %s%s", subject, n, s.prefix, kind)
	}
	return parts, nil
}

// checkCall returns what is wrong with the names of an event, or nil.
func checkCall(e *hooks.Event) error {
	if e.Phase != hooks.Before && e.Phase != hooks.After && e.Phase != hooks.Failed {
		return hooks.Errorf(hooks.CodeBadName, "phase %.80q is none of before, after, failed", e.Phase)
	}
	if err := hooks.CheckName("app", e.App); err != nil {
		return err
	}
	if err := hooks.CheckName("service", e.Service); err != nil {
		return err
	}
	return hooks.CheckName("operation", e.Operation)
}

// partition is the part that a key belongs to, by 32-bit FNV-1a, the same everywhere and for ever.
func partition(key string, of int) int {
	h := uint32(2166136261)
	for i := range len(key) {
		h = (h ^ uint32(key[i])) * 16777619
	}
	return int(h % uint32(of))
}
