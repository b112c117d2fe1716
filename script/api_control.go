package script

var controlAPI = []global{
	{name: "async", lib: "async", typeOf: "Async",
		doc:     "Control flow in the shape of the package async, versions 1 and 2. Tasks take a callback, return a promise, or are async functions; without a final callback a promise is returned.",
		members: asyncMembers()},
}

// asyncMembers describes the functions of async. Those of a family come as name, nameSeries and nameLimit.
func asyncMembers() []member {
	var out []member
	add := func(doc string, types []string, names ...string) {
		for _, name := range names {
			out = append(out, member{name: name, doc: doc, types: types})
		}
	}
	family := func(doc, generic, result, iteratee string, names ...string) {
		for _, name := range names {
			add(doc, optional(generic, result, "collection: AsyncCollection<T>", "iteratee: "+iteratee), name, name+"Series")
			add(doc+" At most limit run at once.", optional(generic, result, "collection: AsyncCollection<T>", "limit: number", "iteratee: "+iteratee), name+"Limit")
		}
	}
	family("Calls the iteratee for each element.", "<T>", "void", "AsyncIteratee<T, any>", "each", "forEach")
	family("Calls the iteratee for each element with its key.", "<T>", "void", "AsyncKeyIteratee<T, any>", "eachOf", "forEachOf")
	family("Gives what the iteratee made of each element, in their order.", "<T, R = any>", "R[]", "AsyncIteratee<T, R>", "map")
	family("Gives an object with what the iteratee made of each value.", "<T, R = any>", "{ [key: string]: R }", "AsyncKeyIteratee<T, R>", "mapValues")
	family("Joins what the iteratee made of each element.", "<T, R = any>", "R[]", "AsyncIteratee<T, R | R[]>", "concat")
	family("Gives the elements that pass the test.", "<T>", "T[]", "AsyncTest<T>", "filter", "select")
	family("Gives the elements that do not pass the test.", "<T>", "T[]", "AsyncTest<T>", "reject")
	family("Gives the first element that passes the test.", "<T>", "T | undefined", "AsyncTest<T>", "detect", "find")
	family("Whether one element passes the test.", "<T>", "boolean", "AsyncTest<T>", "some", "any")
	family("Whether all elements pass the test.", "<T>", "boolean", "AsyncTest<T>", "every", "all")
	add("Runs tasks one after the other; the result has theirs.", optional("<R = any>", "any", "tasks: AsyncTasks<R>"), "series")
	add("Runs tasks at once; the result has theirs.", optional("<R = any>", "any", "tasks: AsyncTasks<R>"), "parallel")
	add("Runs tasks, at most limit at once.", optional("<R = any>", "any", "tasks: AsyncTasks<R>", "limit: number"), "parallelLimit")
	add("Runs tasks one after the other; each gets what the one before gave.",
		[]string{"(tasks: AsyncFunction[], callback: (error: any, ...results: any[]) => void): void", "<R = any>(tasks: AsyncFunction[]): Promise<R>"}, "waterfall")
	add("Runs each task once those that it names before itself are done.",
		[]string{"(tasks: { [name: string]: any }, callback: (error: any, results: any) => void): void",
			"(tasks: { [name: string]: any }, concurrency: number, callback: (error: any, results: any) => void): void",
			"(tasks: { [name: string]: any }, concurrency?: number): Promise<any>"}, "auto")
	reduce := optional("<T, M = any>", "M", "collection: AsyncCollection<T>", "memo: M", "iteratee: (memo: M, value: T, callback: (error?: any, memo?: M) => void) => any")
	add("Folds elements into one value, from the first on.", reduce, "reduce", "inject", "foldl")
	add("Folds elements into one value, from the last on.", reduce, "reduceRight", "foldr")
	add("Sorts by what the iteratee gives for each.", optional("<T>", "T[]", "collection: AsyncCollection<T>", "iteratee: AsyncIteratee<T, any>"), "sortBy")
	add("Calls the iteratee with 0 to n-1.", optional("<R = any>", "R[]", "n: number", "iteratee: AsyncIteratee<number, R>"), "times", "timesSeries")
	add("Calls the iteratee with 0 to n-1, at most limit at once.", optional("<R = any>", "R[]", "n: number", "limit: number", "iteratee: AsyncIteratee<number, R>"), "timesLimit")
	loop := optional("", "any", "test: (...args: any[]) => any", "iteratee: AsyncFunction")
	late := optional("", "any", "iteratee: AsyncFunction", "test: (...args: any[]) => any")
	add("Repeats while the test holds.", loop, "whilst")
	add("Repeats until the test holds.", loop, "until")
	add("Repeats while the test holds, which is asked after each turn.", late, "doWhilst")
	add("Repeats until the test holds, which is asked after each turn.", late, "doUntil")
	add("Repeats until there is an error.", optional("", "never", "iteratee: AsyncFunction"), "forever")
	add("A function with its first arguments filled in.", []string{"(f: (...args: any[]) => any, ...args: any[]): (...args: any[]) => any"}, "apply")
	add("A task that gives these values.", []string{"(...values: any[]): AsyncFunction"}, "constant")
	add("A task of a function that returns its value or a promise.", []string{"(f: (...args: any[]) => any): AsyncFunction"}, "asyncify", "wrapSync")
	add("A task that never fails: it gives {value} or {error}.", []string{"(f: AsyncFunction): AsyncFunction"}, "reflect")
	add("Such tasks of all.", []string{"(tasks: AsyncTasks<any>): any"}, "reflectAll")
	add("One function of several, each of which gets what the one before gave.", []string{"(...functions: AsyncFunction[]): AsyncFunction"}, "seq")
	add("The same, from the last to the first.", []string{"(...functions: AsyncFunction[]): AsyncFunction"}, "compose")
	add("Gives what the first task gives that ends.", optional("<R = any>", "R", "tasks: AsyncFunction[]"), "race")
	add("Tries a task again until it succeeds, 5 times unless said otherwise.",
		optional("<R = any>", "R", "options: number | { times?: number; interval?: number | ((tries: number) => number) }", "task: AsyncFunction"), "retry")
	add("A task that fails with the code ETIMEDOUT if it takes longer.", []string{"(f: AsyncFunction, milliseconds: number): AsyncFunction"}, "timeout")
	add("A queue whose worker takes tasks, as many at once as concurrency says.",
		[]string{"<T = any>(worker: (task: T, callback: (error?: any, result?: any) => void) => any, concurrency?: number): AsyncQueue<T>"}, "queue")
	add("Calls a function soon.", []string{"(f: (...args: any[]) => void, ...args: any[]): void"}, "setImmediate", "nextTick")
	return out
}

// optional describes a function whose callback may be left out for a promise.
func optional(generic, result string, params ...string) []string {
	types := asyncWith("AsyncResult", generic, result, params...)
	return []string{types[1], types[0]} // a callback is the usual way
}
