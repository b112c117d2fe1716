package script

var textAPI = []global{
	{name: "template", lib: "template", kind: functionShape,
		doc:   "Renders a Handlebars template. Helpers and partials come from settings.template, or from the options.",
		types: []string{"(text: string, context?: any, options?: TemplateOptions): string"}},
	{name: "markdown", lib: "template", kind: functionShape, doc: "Turns markdown into HTML that is safe to show.",
		types: []string{"(text: string): string"}},
	{name: "structuredClone", lib: "clone", kind: functionShape, doc: "A deep copy of a value.", types: []string{"<T>(value: T): T"}},
	{name: "atob", lib: "text", kind: functionShape, doc: "Decodes base64 to a text of one byte a character.", types: []string{"(base64: string): string"}},
	{name: "btoa", lib: "text", kind: functionShape, doc: "Encodes a text of one byte a character as base64.", types: []string{"(text: string): string"}},
	{name: "TextEncoder", lib: "text", kind: classShape, doc: "Text to bytes.", types: []string{"()"}, members: []member{
		has("encoding", "readonly: string"), has("encode", "(text?: string): Uint8Array"),
		has("encodeInto", "(text: string, target: Uint8Array): { read: number; written: number }"),
	}},
	{name: "TextDecoder", lib: "text", kind: classShape, doc: "Bytes to text: utf-8, utf-16le or latin1, all of them at once.",
		types: []string{"(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean })"}, members: []member{
			has("encoding", "readonly: string"), has("fatal", "readonly: boolean"), has("ignoreBOM", "readonly: boolean"),
			has("decode", "(bytes?: ArrayBuffer | ArrayBufferView): string"),
		}},
}

var timerAPI = []global{
	{name: "setTimeout", kind: functionShape, doc: "Calls a function after some milliseconds, at least 1.", types: []string{"(f: (...args: any[]) => void, milliseconds?: number, ...args: any[]): number"}},
	{name: "setInterval", kind: functionShape, doc: "Calls a function every so many milliseconds.", types: []string{"(f: (...args: any[]) => void, milliseconds?: number, ...args: any[]): number"}},
	{name: "setImmediate", kind: functionShape, doc: "Calls a function soon.", types: []string{"(f: (...args: any[]) => void, ...args: any[]): number"}},
	{name: "clearTimeout", kind: functionShape, doc: "Takes a timer back.", types: []string{"(id?: number): void"}},
	{name: "clearInterval", kind: functionShape, doc: "Takes a timer back.", types: []string{"(id?: number): void"}},
	{name: "clearImmediate", kind: functionShape, doc: "Takes a timer back.", types: []string{"(id?: number): void"}},
	{name: "queueMicrotask", kind: functionShape, doc: "Calls a function before anything else happens.", types: []string{"(f: () => void): void"}},
}
