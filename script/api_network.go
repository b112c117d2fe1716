package script

var networkAPI = []global{
	{name: "request", lib: "request", kind: functionShape, typeOf: "RequestFunction",
		doc:   "Calls over HTTP, in the shape of the npm package request. Without a callback the promise gives the response.",
		types: requestTypes,
		members: append(requestMembers("get", "head", "post", "put", "patch", "del", "delete", "options"),
			member{"defaults", "Gives a request function with these options as a start.", []string{"(options: RequestOptions): RequestFunction"}, ""},
			member{"jar", "Not available: cookies are not kept.", []string{"(): never"}, ""},
			member{"cookie", "Not available: cookies are not kept.", []string{"(text: string): never"}, ""},
		)},
	{name: "slack", lib: "messages", kind: functionShape,
		doc: "Sends a message to Slack. A callback with two parameters gets (error, result), one with fewer the result.",
		types: []string{"(options: SlackMessage): Promise<string>", "(options: SlackMessage, callback: () => void): void",
			"(options: SlackMessage, callback: (result: any) => void): void", "(options: SlackMessage, callback: (error: Error | null, result?: any) => void): void"}},
	{name: "sendMail", lib: "messages", kind: functionShape,
		doc: "Sends a mail, or a list of them. A callback with two parameters gets (error, result), one with fewer the result.",
		types: []string{"(options: Mail | Mail[]): Promise<MailResult[]>", "(options: Mail | Mail[], callback: () => void): void",
			"(options: Mail | Mail[], callback: (result: any) => void): void", "(options: Mail | Mail[], callback: (error: Error | null, result?: any) => void): void"}},
	{name: "fetch", lib: "fetch", kind: functionShape, doc: "Calls over HTTP, as in browsers. Rejects with a TypeError that has a code if there is no answer.",
		types: []string{"(input: string | URL | Request, init?: RequestInit): Promise<Response>"}},
	{name: "Headers", lib: "fetch", kind: classShape, doc: "Headers of a request or response.",
		types: []string{"(init?: HeadersInit)"},
		members: []member{
			has("append", "(name: string, value: string): void"), has("delete", "(name: string): void"), has("get", "(name: string): string | null"),
			has("getSetCookie", "(): string[]"), has("has", "(name: string): boolean"), has("set", "(name: string, value: string): void"),
			has("forEach", "(f: (value: string, name: string, headers: Headers) => void, self?: any): void"),
			has("entries", "(): IterableIterator<[string, string]>"), has("keys", "(): IterableIterator<string>"), has("values", "(): IterableIterator<string>"),
			has("[Symbol.iterator]", "(): IterableIterator<[string, string]>"), has("toJSON", "(): { [name: string]: string }"),
		}},
	{name: "Request", lib: "fetch", kind: classShape, doc: "What fetch sends.", types: []string{"(input: string | URL | Request, init?: RequestInit)"},
		members: append([]member{
			has("url", "readonly: string"), has("method", "readonly: string"), has("headers", "readonly: Headers"),
			has("redirect", "readonly: 'follow' | 'manual' | 'error'"), has("signal", "readonly: AbortSignal | null"), has("clone", "(): Request"),
		}, bodyMembers...)},
	{name: "Response", lib: "fetch", kind: classShape, doc: "What fetch gives.", types: []string{"(body?: BodyInit | null, init?: ResponseInit)"},
		members: append([]member{
			has("status", "readonly: number"), has("statusText", "readonly: string"), has("ok", "readonly: boolean"), has("headers", "readonly: Headers"),
			has("url", "readonly: string"), has("redirected", "readonly: boolean"), has("type", "readonly: string"), has("clone", "(): Response"),
		}, bodyMembers...),
		static: []member{has("json", "(data: any, init?: ResponseInit): Response"), has("error", "(): Response"), has("redirect", "(url: string | URL, status?: number): Response")}},
}

var requestTypes = []string{
	"(options: RequestOptions, callback?: RequestCallback): RequestCall",
	"(url: string | URL, callback?: RequestCallback): RequestCall",
	"(url: string | URL, options: RequestOptions, callback?: RequestCallback): RequestCall",
}

var bodyMembers = []member{
	has("body", "readonly: ReadableStream | null"), has("bodyUsed", "readonly: boolean"), has("text", "(): Promise<string>"),
	has("json", "<T = any>(): Promise<T>"), has("arrayBuffer", "(): Promise<ArrayBuffer>"), has("bytes", "(): Promise<Uint8Array>"),
	has("blob", "(): Promise<Blob>"), {"formData", "Reads application/x-www-form-urlencoded only.", []string{"(): Promise<FormData>"}, ""},
}

func requestMembers(names ...string) []member {
	out := make([]member, len(names))
	for i, name := range names {
		out[i] = member{name: name, types: requestTypes}
	}
	return out
}

// has is a member that needs no words.
func has(name string, types ...string) member { return member{name: name, types: types} }
