package script

import "fmt"

// The host API is one table: the names that scripts have besides the language, what they hold, and their types. Functions
// that are nothing but a call of the host are made from it, the others load the library that it names, and gaff.d.ts is
// written from it. A test compares the table with what a runtime has.

// shape says what a global is.
type shape int

const (
	objectShape   shape = iota // holds members
	functionShape              // is called; may hold members, too
	classShape                 // is called with new; members are those of its instances
)

// global is a name that scripts have.
type global struct {
	name    string
	doc     string
	kind    shape
	lib     string   // the library that holds it; hostLibrary; or "" for what every runtime has from the start
	host    string   // the host function that it is, if it is one
	types   []string // of a function or constructor: TypeScript, for example "(text: string): string"
	extends string   // of a class
	generic string   // of a class, for example "<T>"
	members []member
	dynamic []member // of an object: made when they are asked for, so that they are typed and not listed
	static  []member // of a class
	typeOf  string   // its type has this name in gaff.d.ts; default: the name of the global with a capital letter
}

// member is what an object holds.
type member struct {
	name  string
	doc   string
	types []string // "(key: string): void" for a function, ": string" for a property, "readonly: string" for one to read
	host  string   // the host function that it is, if it is one
}

// hostLibrary marks the globals that are nothing but host functions.
const hostLibrary = "#host"

// hostAPI is the table.
var hostAPI = joined( //nolint:gochecknoglobals // a table written out
	gaffAPI, networkAPI, controlAPI, textAPI, webAPI, cryptoAPI, timerAPI, bridgeAPI,
)

func joined(lists ...[]global) []global {
	var all []global
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

// globalNamed returns an entry of the table, which must have it.
func globalNamed(name string) *global {
	for i := range hostAPI {
		if hostAPI[i].name == name {
			return &hostAPI[i]
		}
	}
	panic(fmt.Sprintf("the host API has no %s", name))
}

// async describes a host function: with a callback as the last argument, also in place of optional ones, or a promise.
func async(generic, result string, params ...string) []string {
	return asyncWith("Callback", generic, result, params...)
}
