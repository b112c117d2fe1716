package script

var gaffAPI = []global{
	{name: "db", doc: "Documents of the app. Paths are /rest/<collection> or /rest/<collection>/<id>.", members: []member{
		{"get", "Reads documents as a list; with an id in the path the document, or an error with code NOT_FOUND.",
			async("<T = any>", "T", "path: string", "query?: object | null", "hint?: object | null"), "db.get"},
		{"post", "Creates a document, or with a list several; gives what was stored.",
			async("<T = any>", "T", "path: string", "document: object"), "db.post"},
		{"put", "Replaces the document of the path's id; $inc, $push and $pull change fields.",
			async("<T = any>", "T", "path: string", "document: object"), "db.put"},
		{"patch", "Sets fields of the document of the path's id.",
			async("<T = any>", "T", "path: string", "fields: object"), "db.patch"},
		{"delete", "Removes the document of the path's id, or with /rest/customer/*?q={…} all that match; gives the ids.",
			async("<T = any>", "T", "path: string", "data?: object | null"), "db.delete"},
	}},
	{name: "context", doc: "What the project's configuration gives to scripts.", members: []member{
		{"settings", "The settings of gaff.yaml with the values of secrets. A change is seen by this run only.", []string{"readonly: any"}, ""},
	}},
	{name: "log", doc: "Writes lines into the run's record; objects as JSON; %s and the like are filled in.", members: logMembers("debug", "info", "warn", "error", "fatal")},
	{name: "console", doc: "The same as log; console.log is at level info, console.trace at debug.", members: logMembers("log", "debug", "info", "warn", "error", "trace"), typeOf: "Console"},
	{name: "kv", lib: hostLibrary, typeOf: "KV", doc: "Values of the app by key, in all its runs. Values are JSON.", members: []member{
		{"get", "Gives the value of a key, or null.", async("<T = any>", "T | null", "key: string"), "kv.get"},
		{"set", "Stores a value, for ttl seconds if that is given. With ifAbsent it is stored only if the key has none: false says that it had.",
			async("", "boolean", "key: string", "value: any", "options?: { ttl?: number; ifAbsent?: boolean }"), "kv.set"},
		{"delete", "Removes a key; false if there was none.", async("", "boolean", "key: string"), "kv.delete"},
		{"incr", "Adds to a number, in one step, and gives the sum. A key that is not there counts as 0.",
			async("", "number", "key: string", "by?: number", "options?: { ttl?: number }"), "kv.incr"},
		{"list", "Lists keys that begin with the prefix.", async("", "string[]", "prefix?: string", "options?: { limit?: number }"), "kv.list"},
	}},
	{name: "jobs", lib: hostLibrary, doc: "Work for later.", members: []member{
		{"enqueue", "Has a job of gaff.yaml run later with this payload as req.body: after a delay (seconds, or a text such as \"5m\"), or at a time. A second one with the same id is refused.",
			async("", "{ id: string }", "name: string", "payload?: any",
				"options?: { delay?: number | string; at?: number | string | Date; id?: string }"), "jobs.enqueue"},
		{"cancel", "Takes back what was enqueued and has not begun.", async("", "{ cancelled: number }", "id: string"), "jobs.cancel"},
		{"list", "Lists what is enqueued.", async("", "any[]", "filter?: { name?: string }"), "jobs.list"},
	}},
	{name: "rpc", lib: hostLibrary, kind: functionShape, host: "rpc.call",
		doc:   "Calls a method of a service: a registered one, or one that the service has itself.",
		types: async("<T = any>", "T", "service: string", "method: string", "payload?: { keys?: string[]; args?: any[]; params?: any[]; [key: string]: any } | null")},
	{name: "once", lib: "once", kind: functionShape,
		doc: "Does f once for a key, also when an event is delivered again, and gives its value each time. If f throws, the next one may try.",
		types: []string{
			"<T>(key: string, f: () => T | Promise<T>, options?: { ttl?: number }): Promise<T>",
			"<T>(key: string, f: () => T | Promise<T>, callback: Callback<T>): void",
			"<T>(key: string, f: () => T | Promise<T>, options: { ttl?: number }, callback: Callback<T>): void",
		}},
	{name: "Retry", lib: "outcome", kind: classShape, extends: "Error",
		doc:   "Thrown, returned or given to res.end by a hook of an event or a job: run me again after this time (milliseconds, or a text such as 30s), or when the hook's own schedule says.",
		types: []string{"(after?: number | string, message?: string)"}, members: []member{has("after", ": number")}},
	{name: "Permanent", lib: "outcome", kind: classShape, extends: "Error",
		doc: "Thrown, returned or given to res.end by a hook of an event or a job: trying again would not help.", types: []string{"(message?: string)"}},
	{name: "auth", lib: "auth", doc: "JSON Web Tokens. A callback runs before the function returns.", members: []member{
		{"decode_jwt", "Gives the claims of a token without verifying anything.", async("<T = any>", "T", "token: string"), ""},
		{"verify_jwt", "Gives the claims of a token whose signature and times are right. The key is a secret (HS256, HS384, HS512) or a public key or certificate as PEM (RS*, PS*, ES*). Errors have the name JsonWebTokenError, TokenExpiredError or NotBeforeError.",
			async("<T = any>", "T", "token: string", "secretOrPublicKey: string | Uint8Array", "options?: VerifyOptions"), ""},
	}},
}

func logMembers(levels ...string) []member {
	out := make([]member, len(levels))
	for i, level := range levels {
		out[i] = member{name: level, types: []string{"(...values: any[]): void"}}
	}
	return out
}
