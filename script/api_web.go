package script

var webAPI = []global{
	{name: "URL", lib: "url", kind: classShape, doc: "An address.", types: []string{"(url: string | URL, base?: string | URL)"},
		members: []member{
			has("href", ": string"), has("origin", "readonly: string"), has("protocol", ": string"), has("username", ": string"), has("password", ": string"),
			has("host", ": string"), has("hostname", ": string"), has("port", ": string"), has("pathname", ": string"), has("search", ": string"),
			has("searchParams", "readonly: URLSearchParams"), has("hash", ": string"), has("toString", "(): string"), has("toJSON", "(): string"),
		},
		static: []member{has("canParse", "(url: string, base?: string): boolean")}},
	{name: "URLSearchParams", lib: "url", kind: classShape, doc: "The query of an address.",
		types: []string{"(init?: string | { [name: string]: string } | Iterable<[string, string]>)"},
		members: []member{
			has("append", "(name: string, value: string): void"), has("delete", "(name: string, value?: string): void"), has("get", "(name: string): string | null"),
			has("getAll", "(name: string): string[]"), has("has", "(name: string, value?: string): boolean"), has("set", "(name: string, value: string): void"),
			has("sort", "(): void"), has("size", "readonly: number"), has("forEach", "(f: (value: string, name: string, params: URLSearchParams) => void): void"),
			has("entries", "(): IterableIterator<[string, string]>"), has("keys", "(): IterableIterator<string>"), has("values", "(): IterableIterator<string>"),
			has("[Symbol.iterator]", "(): IterableIterator<[string, string]>"), has("toString", "(): string"),
		}},
	{name: "AbortController", lib: "abort", kind: classShape, doc: "Ends what was given its signal.", types: []string{"()"},
		members: []member{has("signal", "readonly: AbortSignal"), has("abort", "(reason?: any): void")}},
	{name: "AbortSignal", lib: "abort", kind: classShape, doc: "Tells that something is no longer wanted.",
		members: []member{
			has("aborted", "readonly: boolean"), has("reason", "readonly: any"), has("throwIfAborted", "(): void"),
			has("addEventListener", "(type: 'abort', listener: (event: any) => void, options?: { once?: boolean }): void"),
			has("removeEventListener", "(type: 'abort', listener: (event: any) => void): void"), has("dispatchEvent", "(event: any): boolean"),
			{"onabort", "", []string{": ((event: any) => void) | null"}, ""},
		},
		static: []member{has("abort", "(reason?: any): AbortSignal"), has("timeout", "(milliseconds: number): AbortSignal"), has("any", "(signals: AbortSignal[]): AbortSignal")}},
	{name: "DOMException", lib: "abort", kind: classShape, extends: "Error", doc: "The error of what was aborted.", types: []string{"(message?: string, name?: string)"}},
	{name: "Blob", lib: "body", kind: classShape, doc: "Bytes with a type.",
		types: []string{"(parts?: Iterable<string | ArrayBuffer | ArrayBufferView | Blob>, options?: { type?: string })"}, members: []member{
			has("size", "readonly: number"), has("type", "readonly: string"), has("slice", "(start?: number, end?: number, type?: string): Blob"), has("text", "(): Promise<string>"),
			has("bytes", "(): Promise<Uint8Array>"), has("arrayBuffer", "(): Promise<ArrayBuffer>"), has("stream", "(): ReadableStream"),
		}},
	{name: "File", lib: "body", kind: classShape, extends: "Blob", doc: "A Blob with a name.",
		types:   []string{"(parts: Iterable<string | ArrayBuffer | ArrayBufferView | Blob>, name: string, options?: { type?: string; lastModified?: number })"},
		members: []member{has("name", "readonly: string"), has("lastModified", "readonly: number")}},
	{name: "FormData", lib: "body", kind: classShape, doc: "The fields of a form, sent as multipart/form-data.", types: []string{"()"}, members: []member{
		has("append", "(name: string, value: string | Blob, filename?: string): void"), has("set", "(name: string, value: string | Blob, filename?: string): void"),
		has("delete", "(name: string): void"), has("get", "(name: string): string | File | null"), has("getAll", "(name: string): (string | File)[]"), has("has", "(name: string): boolean"),
		has("forEach", "(f: (value: string | File, name: string, form: FormData) => void, self?: any): void"),
		has("entries", "(): IterableIterator<[string, string | File]>"), has("keys", "(): IterableIterator<string>"), has("values", "(): IterableIterator<string | File>"),
		has("[Symbol.iterator]", "(): IterableIterator<[string, string | File]>"),
	}},
	{name: "ReadableStream", lib: "body", kind: classShape, generic: "<T = Uint8Array>", doc: "What is read piece by piece. The body of a response is one; it is bounded.",
		types: []string{"(source?: StreamSource<T>)"}, members: []member{
			has("locked", "readonly: boolean"), has("getReader", "(): StreamReader<T>"), has("cancel", "(reason?: any): Promise<void>"),
			has("tee", "(): [ReadableStream<T>, ReadableStream<T>]"),
		}},
}

var cryptoAPI = []global{
	{name: "Buffer", lib: "buffer", kind: classShape, extends: "Uint8Array", doc: "Bytes, as in Node.",
		types:   []string{"(value: string | any[] | ArrayBuffer | ArrayBufferView, encoding?: BufferEncoding)", "(size: number)"},
		members: append(bufferMembers, numberMembers()...),
		static: []member{
			has("from", "(value: string, encoding?: BufferEncoding): Buffer", "(value: ArrayBuffer, byteOffset?: number, length?: number): Buffer", "(value: any): Buffer"),
			has("alloc", "(size: number, fill?: string | number | Uint8Array, encoding?: BufferEncoding): Buffer"), has("allocUnsafe", "(size: number): Buffer"),
			has("allocUnsafeSlow", "(size: number): Buffer"), has("concat", "(list: Uint8Array[], length?: number): Buffer"),
			has("compare", "(a: Uint8Array, b: Uint8Array): number"), has("isBuffer", "(value: any): value is Buffer"), has("isEncoding", "(name: string): name is BufferEncoding"),
			has("byteLength", "(value: string | ArrayBuffer | ArrayBufferView, encoding?: BufferEncoding): number"), has("poolSize", ": number"),
		}},
	{name: "crypto", lib: "crypto", doc: "Hashes, keyed hashes and random values. The hashes are md5, sha1, sha224, sha256, sha384 and sha512.", members: []member{
		has("randomUUID", "(): string"), has("uuid", "(): string"), has("randomBytes", "(size: number): Buffer", "(size: number, callback: (error: null, bytes: Buffer) => void): void"),
		{"randomInt", "A whole number from min, 0 unless given, to below max.", []string{"(max: number): number", "(min: number, max: number): number"}, ""},
		has("getRandomValues", "<T extends ArrayBufferView>(array: T): T"), has("createHash", "(algorithm: string): Hash"),
		has("createHmac", "(algorithm: string, key: string | ArrayBuffer | ArrayBufferView): Hash"),
		{"hash", "The hash of data, as hex unless said otherwise.", []string{"(algorithm: string, data: string | ArrayBufferView, encoding?: BufferEncoding): string"}, ""},
		{"hmac", "The keyed hash of data, as hex unless said otherwise.", []string{"(algorithm: string, key: string | ArrayBufferView, data: string | ArrayBufferView, encoding?: BufferEncoding): string"}, ""},
		{"timingSafeEqual", "Compares without telling by its time where they differ.", []string{"(a: ArrayBuffer | ArrayBufferView, b: ArrayBuffer | ArrayBufferView): boolean"}, ""},
		has("getHashes", "(): string[]"), {"subtle", "Of the Web Cryptography API: digests, and HMAC with raw keys.", []string{"readonly: SubtleCrypto"}, ""},
	}},
}
