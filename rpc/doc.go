// Package rpc carries out named methods on data services: Lua scripts, SQL templates and macros that somebody has
// registered, and the services' own commands, on Redis, PostgreSQL and MySQL.
//
// What it promises. A caller's values are never part of a script's or statement's text: they travel as keys, arguments
// and parameters. What fails in the middle of a transaction leaves nothing. Every call ends soon after its context does,
// and what the server is still doing for it is cancelled there. No answer is larger than [MaxRows] rows and [MaxBytes]
// bytes. A server that comes back is used again by the next call.
//
// What it does not promise. It tries nothing a second time: whether a call whose connection broke was carried out, only
// the caller can find out, and the error's Details say when that is open. A Lua script that fails keeps what it has
// written, as always in Redis.
//
// Which methods there are, who may call them, and the hooks around them are the business of those who call [Services.Do].
package rpc
