// Package syntax says what can be known of the bodies of methods from their text alone: where a SQL text has its
// placeholders and whether it is one statement, whether Lua compiles, what a Redis command touches. Projects are checked
// with it where there is no server, and package rpc decides with it what it sends to one.
//
// It reads no further than that needs: it is no SQL parser, and a text that it accepts may still be refused by the server.
package syntax
