package script

// record is a type that scripts meet as an argument or a value, but that is no global.
type record struct {
	name   string // with type parameters
	doc    string
	alias  string // what it stands for, instead of fields
	fields []member
}

// shapes are those types, in the namespace gaff and, if plain is set, also as globals.
var shapes = []record{
	{name: "Req<Body = any>", doc: "What a function by name gets as its first argument.", fields: requestFields},
	{name: "Res", doc: "What a function by name ends with. The first call of end, send or json counts.", fields: []member{
		{"end", "Ends the run with an answer.", []string{"(answer?: any): void"}, ""},
		{"send", "The same as end.", []string{"(answer?: any): void"}, ""},
		{"json", "The same as end.", []string{"(answer?: any): void"}, ""},
		{"status", "Sets the HTTP status of the answer, 100 to 599.", []string{"(status: number): Res"}, ""},
	}},
	{name: "Hint", doc: "The request's own hints with its headers and session.", fields: []member{
		{"'#headers'", "Headers of the request, with lower-case names.", []string{": { [name: string]: string }"}, ""},
		{"'#usersession'", "The verified claims of the caller; {} for an anonymous one.", []string{": { email?: string; [claim: string]: any }"}, ""},
		{"[hint: string]", "", []string{": any"}, ""},
	}},
	{name: "EventInfo", doc: "What the run is about.", fields: []member{
		has("id", ": string"), has("app", ": string"), has("service", ": string"), has("operation", ": string"),
		has("phase", ": 'before' | 'after' | 'failed' | string"), has("origin", ": 'client' | 'script' | 's2s' | string"),
		{"depth", "How many hooks lie between this call and the outside.", []string{": number"}, ""},
	}},
	{name: "JobInfo", doc: "The tick of a job.", fields: []member{
		has("id", ": string"), has("name", ": string"), has("cron", ": string"),
		{"scheduledAt", "The tick in RFC 3339.", []string{": string"}, ""},
		has("attempt", ": number"), has("manual", ": boolean"),
	}},
	{name: "FieldError", doc: "What is wrong with one field.", fields: []member{has("field?", ": string"), has("message", ": string")}},
	{name: "Answer", doc: "What a before function may end with. Whatever is given replaces what the call had.", fields: []member{
		{"data?", "The document or message to go on with.", []string{": any"}, ""},
		has("message?", ": any"), has("query?", ": object"), has("hint?", ": object"),
		{"context?", "Carried to the later hooks of the call.", []string{": object"}, ""},
		{"respond?", "Answers the caller in place of the call.", []string{": { status?: number; body?: any }"}, ""},
		{"error?", "Stops the call.", []string{": string | Error | (FieldError | string)[] | { statuscode?: number; message?: string; code?: string; fields?: FieldError[] }"}, ""},
	}},
	{name: "BridgeResult<T = any>", doc: "What calls of bridge give: status 200 and the data, or another status and why.", fields: []member{
		has("status", ": number"), has("data", ": T"), has("reason_code?", ": number | string"), has("status_message?", ": string"),
	}},
	{name: "HookAnswer", doc: "The last value of a script that is a hook. null, {} and true leave everything as it is, false stops the call.",
		alias: "null | undefined | boolean | {} | { status: number; messageOverride?: any; data?: any; reasonCode?: number | string; errorMessage?: string }"},
	{name: "Before<Body = any>", doc: "A function that is run before a call: beforePOST, before and so on.", alias: "(req: Req<Body>, res: Res) => Answer | void | Promise<Answer | void>"},
	{name: "After<Body = any>", doc: "A function that is run after a call: afterPOST, after, failed and so on.", alias: "(req: Req<Body>, res: Res) => any"},
	{name: "Job", doc: "The function runJob.", alias: "(req: Req, res: Res) => any"},
	{name: "Data", doc: "What a script sees whose last value is its answer.", fields: []member{
		has("service", ": string"), has("operation", ": string"),
		{"message", "Before: the arguments of the call, with ccCall if a script made it. After: its result.", []string{": any"}, ""},
		{"callingMessage", "After and failed: the arguments of the call.", []string{": any"}, ""},
		{"errorData", "Failed: how the call failed.", []string{": { reasonCode: any; errorMessage: string; status: number; code: string }"}, ""},
		{"parms", "Of the hook in gaff.yaml.", []string{": any"}, ""},
	}},
	{name: "Callback<T = any>", doc: "Called with an error, or with null and the result.", alias: "(error: HostError | null, result: T) => void"},
	{name: "HostError", doc: "The error of a host function.", alias: "Error & { code?: string; status?: number; fields?: FieldError[]; hook?: string; [detail: string]: any }"},
	{name: "VerifyOptions", doc: "What a token must be like.", fields: []member{
		{"algorithms?", "Which of those of the key may have been used.", []string{": string[]"}, ""},
		has("audience?", ": string | string[]"), has("issuer?", ": string"), has("subject?", ": string"),
		{"clockTolerance?", "Seconds that clocks may differ.", []string{": number"}, ""}, has("ignoreExpiration?", ": boolean"),
	}},
	{name: "RequestOptions", doc: "Options of request.", fields: requestOptions},
	{name: "RequestResponse", doc: "What request gives.", fields: []member{
		has("statusCode", ": number"), has("statusMessage", ": string"), {"headers", "By lower-case name; set-cookie is a list.", []string{": { [name: string]: any }"}, ""},
		has("rawHeaders", ": string[]"), has("body", ": any"), has("request", ": { uri: any; method: string; headers: { [name: string]: string } }"), has("toJSON", "(): any"),
	}},
	{name: "RequestCallback", doc: "Called with the outcome of request.", alias: "(error: any, response: RequestResponse, body: any) => void"},
	{name: "RequestCall", doc: "A request under way: a promise of the response, which may also be listened to.", alias: "PromiseLike<RequestResponse> & RequestEvents"},
	{name: "RequestEvents", fields: []member{
		has("on", "(event: 'response' | 'data' | 'end' | 'complete' | 'error', f: (...args: any[]) => void): RequestCall"),
		has("once", "(event: 'response' | 'data' | 'end' | 'complete' | 'error', f: (...args: any[]) => void): RequestCall"),
		has("promise", "(): Promise<RequestResponse>"), has("catch", "<R = never>(no: (error: any) => R | PromiseLike<R>): Promise<RequestResponse | R>"),
		has("finally", "(f: () => void): Promise<RequestResponse>"), has("abort", "(): void"),
	}},
	{name: "SlackMessage", doc: "What slack sends.", fields: []member{
		has("message", ": string"), {"slackhookurl?", "The incoming webhook; default: settings.slack.", []string{": string"}, ""},
		has("channel?", ": string"), has("username?", ": string"), has("[more: string]", ": any"),
	}},
	{name: "Mail", doc: "What sendMail sends.", fields: []member{
		has("to", ": string | string[]"), has("subject", ": string"), has("html?", ": string"), has("text?", ": string"), has("company?", ": string"), has("sendername?", ": string"),
		has("from?", ": string"), has("replyto?", ": string"), has("cc?", ": string | string[]"), has("bcc?", ": string | string[]"),
		has("attachments?", ": { filename: string; content: string | Uint8Array; contentType?: string; encoding?: string }[]"), has("[more: string]", ": any"),
	}},
	{name: "MailResult", doc: "What became of one mail.", fields: []member{has("email_outbound_id", ": string"), has("to", ": any"), has("status", ": string")}},
	{name: "TemplateOptions", doc: "What one call of template brings besides settings.template.", fields: []member{
		has("helpers?", ": { [name: string]: (...args: any[]) => any }"), has("partials?", ": { [name: string]: string }"), has("data?", ": any"),
	}},
	{name: "BufferEncoding", alias: "'utf8' | 'utf-8' | 'hex' | 'base64' | 'base64url' | 'latin1' | 'binary' | 'ascii' | 'ucs2' | 'utf16le'"},
	{name: "Hash", doc: "Gathers what is hashed.", fields: []member{
		has("update", "(data: string | ArrayBuffer | ArrayBufferView, encoding?: BufferEncoding): Hash"), has("digest", "(): Buffer", "(encoding: BufferEncoding): string"),
	}},
	{name: "CryptoKey", doc: "A key that importKey gave.", fields: []member{
		has("type", "readonly: 'secret'"), has("extractable", "readonly: boolean"), has("usages", "readonly: string[]"),
		has("algorithm", "readonly: { name: 'HMAC'; hash: { name: string }; length: number }"),
	}},
	{name: "SubtleCrypto", doc: "What there is of the Web Cryptography API.", fields: []member{
		has("digest", "(algorithm: string | { name: string }, data: ArrayBuffer | ArrayBufferView): Promise<ArrayBuffer>"),
		has("importKey", "(format: 'raw', key: ArrayBuffer | ArrayBufferView, algorithm: { name: 'HMAC'; hash: string | { name: string } }, extractable: boolean, usages: string[]): Promise<CryptoKey>"),
		has("exportKey", "(format: 'raw', key: CryptoKey): Promise<ArrayBuffer>"),
		has("sign", "(algorithm: string | { name: string }, key: CryptoKey, data: ArrayBuffer | ArrayBufferView): Promise<ArrayBuffer>"),
		has("verify", "(algorithm: string | { name: string }, key: CryptoKey, signature: ArrayBuffer | ArrayBufferView, data: ArrayBuffer | ArrayBufferView): Promise<boolean>"),
	}},
	{name: "HeadersInit", alias: "Headers | { [name: string]: string } | Iterable<[string, string]>"},
	{name: "BodyInit", alias: "string | ArrayBuffer | ArrayBufferView | Blob | FormData | URLSearchParams | ReadableStream"},
	{name: "RequestInit", doc: "How fetch calls.", fields: []member{
		has("method?", ": string"), has("headers?", ": HeadersInit"), has("body?", ": BodyInit | null"),
		has("redirect?", ": 'follow' | 'manual' | 'error'"), has("signal?", ": AbortSignal | null"), has("[more: string]", ": any"),
	}},
	{name: "ResponseInit", fields: []member{has("status?", ": number"), has("statusText?", ": string"), has("headers?", ": HeadersInit")}},
	{name: "StreamController<T>", fields: []member{has("enqueue", "(chunk: T): void"), has("close", "(): void"), has("error", "(reason?: any): void"), has("desiredSize", "readonly: number")}},
	{name: "StreamSource<T>", fields: []member{has("start?", "(controller: StreamController<T>): any"), has("pull?", "(controller: StreamController<T>): any"), has("cancel?", "(reason?: any): any")}},
	{name: "StreamReader<T>", fields: []member{has("read", "(): Promise<{ value: T; done: false } | { value: undefined; done: true }>"), has("cancel", "(reason?: any): Promise<void>"), has("releaseLock", "(): void")}},
	{name: "AsyncResult<T = any>", alias: "(error?: any, result?: T) => void"},
	{name: "AsyncFunction", alias: "(...args: any[]) => any"},
	{name: "AsyncCollection<T>", alias: "Iterable<T> | { [key: string]: T } | null | undefined"},
	{name: "AsyncIteratee<T, R>", alias: "(value: T, callback: (error?: any, result?: R) => void) => any"},
	{name: "AsyncKeyIteratee<T, R>", alias: "(value: T, key: any, callback: (error?: any, result?: R) => void) => any"},
	{name: "AsyncTest<T>", alias: "(value: T, callback: (error?: any, truth?: boolean) => void) => any"},
	{name: "AsyncTasks<R>", alias: "((callback: (error?: any, result?: R) => void) => any)[] | { [name: string]: (callback: (error?: any, result?: R) => void) => any }"},
	{name: "AsyncQueue<T>", fields: []member{
		has("push", "(task: T | T[], callback?: (...results: any[]) => void): void"), has("unshift", "(task: T | T[], callback?: (...results: any[]) => void): void"),
		has("length", "(): number"), has("running", "(): number"), has("idle", "(): boolean"), has("pause", "(): void"), has("resume", "(): void"), has("kill", "(): void"),
		has("remove", "(matches: (task: { data: T }) => boolean): void"), has("concurrency", ": number"), has("paused", ": boolean"), has("started", ": boolean"),
		has("drain", ": any"), has("empty", ": any"), has("saturated", ": any"), has("unsaturated", ": any"), has("error", ": any"),
	}},
}

var requestFields = []member{
	{"body", "The document, or the message of the call.", []string{": Body"}, ""},
	has("query", ": any"), has("hint", ": Hint"),
	{"headers", "Headers of the request, with lower-case names.", []string{": { [name: string]: string }"}, ""},
	{"params", "Of the hook in gaff.yaml.", []string{": any"}, ""},
	{"context", "What earlier hooks of the call have put there.", []string{": any"}, ""},
	has("event", ": EventInfo"),
	{"result", "After: what the call gave.", []string{": any"}, ""},
	{"original", "The document before the change.", []string{": any"}, ""},
	{"error", "Failed: how the call failed.", []string{": { code: string; message: string; status: number }"}, ""},
	{"job", "Of a job only.", []string{": JobInfo"}, ""},
	{"key", "The document's id.", []string{": string"}, ""},
}

var requestOptions = []member{
	has("url?", ": string | URL | object"), has("uri?", ": string | URL | object"), has("baseUrl?", ": string"), has("method?", ": string"),
	has("headers?", ": { [name: string]: any }"), {"qs?", "The query, with nested values as a[b]=1.", []string{": object"}, ""}, has("useQuerystring?", ": boolean"),
	has("body?", ": any"), {"json?", "true: the body is sent and read as JSON; anything else is the body itself.", []string{": any"}, ""},
	has("form?", ": object | string"), {"formData?", "Sent as multipart/form-data.", []string{": { [name: string]: any }"}, ""},
	has("auth?", ": { user?: string; username?: string; pass?: string; password?: string; bearer?: string | (() => string) }"),
	{"timeout?", "Milliseconds.", []string{": number"}, ""}, {"encoding?", "null gives the body as a Buffer.", []string{": BufferEncoding | null"}, ""}, has("gzip?", ": boolean"),
	{"followRedirect?", "Default true, for calls that change nothing.", []string{": boolean"}, ""}, has("followAllRedirects?", ": boolean"),
	{"service?", "A service of gaff.yaml; then the url is a path on its upstream.", []string{": string"}, ""},
	has("callback?", ": RequestCallback"), has("[more: string]", ": any"),
}
