package script

var bufferMembers = []member{
	has("toString", "(encoding?: BufferEncoding, start?: number, end?: number): string"), has("toJSON", "(): { type: 'Buffer'; data: number[] }"),
	has("slice", "(start?: number, end?: number): Buffer"), has("subarray", "(start?: number, end?: number): Buffer"),
	has("compare", "(other: Uint8Array): number"), has("equals", "(other: Uint8Array): boolean"),
	has("indexOf", "(value: any, start?: any, encoding?: BufferEncoding): number"), has("lastIndexOf", "(value: any, start?: any, encoding?: BufferEncoding): number"),
	has("includes", "(value: any, start?: any, encoding?: BufferEncoding): boolean"),
	has("copy", "(target: Uint8Array, at?: number, start?: number, end?: number): number"),
	has("write", "(text: string, encoding?: BufferEncoding): number", "(text: string, offset: number, encoding?: BufferEncoding): number", "(text: string, offset: number, length: number, encoding?: BufferEncoding): number"),
	has("fill", "(value: any, start?: any, end?: number, encoding?: BufferEncoding): this"),
}

// numberMembers are the functions of Buffer that read and write numbers.
func numberMembers() []member {
	var out []member
	add := func(kind, value string, orders ...string) {
		for _, order := range orders {
			out = append(out, has("read"+kind+order, "(offset?: number): "+value), has("write"+kind+order, "(value: "+value+", offset?: number): number"))
		}
	}
	add("Int8", "number", "")
	add("UInt8", "number", "")
	add("Uint8", "number", "")
	for _, size := range []string{"16", "32"} {
		for _, kind := range []string{"Int", "UInt", "Uint"} {
			add(kind+size, "number", "BE", "LE")
		}
	}
	for _, kind := range []string{"BigInt64", "BigUInt64", "BigUint64"} {
		add(kind, "bigint", "BE", "LE")
	}
	add("Double", "number", "BE", "LE")
	add("Float", "number", "BE", "LE")
	for _, kind := range []string{"Int", "UInt", "Uint"} {
		for _, order := range []string{"BE", "LE"} {
			out = append(out, has("read"+kind+order, "(offset: number, byteLength: number): number"),
				has("write"+kind+order, "(value: number, offset: number, byteLength: number): number"))
		}
	}
	return out
}
