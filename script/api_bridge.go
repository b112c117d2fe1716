package script

// result is the type of what calls of bridge give.
const result = "BridgeResult"

// bridgeAPI is bridge, in the order of its documentation.
var bridgeAPI = []global{
	{name: "bridge", lib: "bridge", dynamic: bridgeProxies, doc: "What scripts have whose last value is their answer. Calls wait for their result, and give {status, data} also when an API refuses.", members: []member{
		takes("include", "Puts the text of another file here. Only at the top of a file; the path is relative to it, its extension does not matter.", "(path: string): void"),
		takes("logDebug", "Writes a line at level debug.", "(message: any, context?: any): "+result),
		takes("logInfo", "Writes a line at level info.", "(message: any, context?: any): "+result),
		takes("logWarning", "Writes a line at level warn.", "(message: any, context?: any): "+result),
		takes("logError", "Writes a line at level error.", "(message: any, context?: any): "+result),
		takes("logDebugJson", "Writes a line and an object at level debug.", "(message: any, context?: any): "+result),
		takes("logInfoJson", "Writes a line and an object at level info.", "(message: any, context?: any): "+result),
		takes("logWarningJson", "Writes a line and an object at level warn.", "(message: any, context?: any): "+result),
		takes("logErrorJson", "Writes a line and an object at level error.", "(message: any, context?: any): "+result),
		takes("callScript", "Runs another script of the project, whose path is relative to this one, with its own data. Its last value is data.response.",
			"(name: string, data?: any): "+result+"<{ response: any; success: boolean } | null>"),
		takes("callAPI", "Calls a collection (GET, POST, PUT, PATCH, DELETE) or a method of a service, with its hooks.",
			"<T = any>(service: string, operation: string, data?: any): "+result+"<T>"),
		takes("callAPIForSession", "The same for another session.", "<T = any>(session: object | null, service: string, operation: string, data?: any): "+result+"<T>"),
		takes("sleep", "Waits so many milliseconds, at most as long as the script may run.", "(ms: number): void"),
		takes("getAppId", "The app.", "(): string"),
		takes("getAppName", "The setting appName, else the app.", "(): string"),
		takes("getAppVersion", "The setting appVersion, else the number of the release.", "(): string | number"),
		takes("getEnvironmentName", "The setting environment, else production.", "(): string"),
		takes("getGlobalProperty", "A member of the setting globalProperties, or null.", "(name: string): any"),
		takes("getScriptName", "The name of the file without folder and extension.", "(): string"),
		takes("getProfileId", "Who the caller is: profileId, sub or _id of the session, or null.", "(): string | null"),
		takes("getName", "The caller's name by the session, or null.", "(): string | null"),
		takes("getEmail", "The caller's address by the session, or null.", "(): string | null"),
		takes("getClientSessionId", "The id of a client's session, or null.", "(): string | null"),
		takes("getServerSessionId", "The id of a server's session, or null.", "(): string | null"),
		takes("getSessionCreatedAt", "When the session began, in milliseconds since 1970, or null.", "(): number | null"),
		takes("getSessionAgeSecs", "The age of the session in seconds, or null.", "(): number | null"),
		takes("getSessionForProfile", "A session of that profile, for callAPIForSession and proxies.", "(profileId: string): object"),
		takes("getSessionForSessionIdAndProfileId", "The present session if it is that one, else null.", "(sessionId: string, profileId: string): object | null"),
		takes("invalidateSession", "Sessions are tokens of the app, which cannot be ended here: gives status 501.", "(): "+result),
		takes("setSessionCacheObject", "Keeps an object with the session for a day: at most 5, each of 512 characters as JSON.", "(key: string, object: any): "+result),
		takes("getSessionCacheObject", "An object of the session's cache, or null.", "(key: string): any"),
		takes("deleteSessionCacheObject", "Removes an object of the session's cache.", "(key: string): "+result),
		takes("isClientBridge", "The call comes from a client or from a script that one caused.", "(): boolean"),
		takes("isServerBridge", "The call comes from a server or the clock.", "(): boolean"),
		takes("isPeerBridge", "Always false.", "(): boolean"),
		takes("generateGuid", "A random UUID.", "(): string"),
		takes("getCurrentTimezoneOffset", "By how many hours a time zone is ahead of UTC now.", "(zone: string): number"),
		takes("getCurrentTimeZoneOffset", "The same.", "(zone: string): number"),
		takes("signHMACSha1", "HMAC with SHA-1, in base64.", "(key: string, text: string): string"),
		takes("signHMACSha256", "HMAC with SHA-256, in base64.", "(key: string, text: string): string"),
		takes("signRSASha256", "A signature by an RSA private key (PEM or base64, PKCS #1 or #8) with SHA-256, in base64.", "(key: string, text: string): string"),
		takes("utils", "The functions that need nothing of the call.", "(): Pick<Bridge, 'generateGuid' | 'getCurrentTimezoneOffset' | 'getCurrentTimeZoneOffset' | 'signHMACSha1' | 'signHMACSha256' | 'signRSASha256'>"),
		takes("scheduleRunScriptMinutes", "Runs a script, whose path is from the project's root, in so many minutes.", "(name: string, data: any, minutes: number): "+result+"<{ jobId: string }>"),
		takes("scheduleRunScriptUTC", "Runs a script at a time in milliseconds since 1970.", "(name: string, data: any, at: number): "+result+"<{ jobId: string }>"),
		takes("scheduleRunScriptUTCv2", "The same.", "(name: string, data: any, at: number): "+result+"<{ jobId: string }>"),
		takes("scheduleRunScriptMillisUTC", "The same.", "(name: string, data: any, at: number): "+result+"<{ jobId: string }>"),
		takes("cancelScheduledScript", "Takes back a scheduled script; status 400 if there is none.", "(jobId: string): "+result+"<{ cancelled: number }>"),
		takes("sysCancelScheduledScriptIfExists", "Takes back a scheduled script; it is no error if there is none.", "(jobId: string): "+result+"<{ cancelled: number }>"),
		takes("getScheduledCloudScripts", "The scripts that are scheduled up to a time.", "(until?: number): "+result+"<{ scheduledJobs: any[] }>"),
		takes("getRunningOrQueuedCloudScripts", "The scheduled scripts that run or are due.", "(): "+result+"<{ runningJobs: any[] }>"),
	}},
}

// bridgeProxies are the members of bridge that are made when they are asked for, as their types say it.
var bridgeProxies = []member{
	takes("getHttpClientServiceProxy", "HTTP to the services that gaff.yaml declares, such as postJsonResponseJson(service, path, query, headers, json).",
		"(session?: object | null): { readonly [method: string]: (service: string, path: string, query?: object | null, headers?: object | null, body?: any) => "+
			result+"<{ statusCode: number; json?: any; text?: string; headers: { [name: string]: string } }> }"),
	takes("getScriptServiceProxy", "runScript and the scheduling of scripts.",
		"(session?: object | null): Pick<Bridge, 'scheduleRunScriptMinutes' | 'scheduleRunScriptUTC' | 'scheduleRunScriptUTCv2' | 'scheduleRunScriptMillisUTC' | "+
			"'cancelScheduledScript' | 'sysCancelScheduledScriptIfExists' | 'getScheduledCloudScripts' | 'getRunningOrQueuedCloudScripts'> & "+
			"{ runScript(name: string, data?: any): "+result+"<{ response: any; success: boolean } | null> }"),
	takes("[service: `get${string}ServiceProxy`]", "The methods of any service by position: proxy.topUsers(10) is rpc(service, 'topUsers', {args: [10]}).", ": any"),
}

func takes(name, doc, types string) member {
	return member{name: name, doc: doc, types: []string{types}}
}
