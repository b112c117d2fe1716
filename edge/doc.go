// Package edge is Gaff's HTTP side: documents at /rest, events and administration at /v1, health at /livez and /readyz.
//
// It decides who a caller is, bounds and checks what comes in, and turns answers and errors into HTTP. What a call
// means is decided behind the interfaces of [Config]. Every answer carries X-Request-Id, which is also the id of the
// event that the request causes; every error has the same shape.
//
// A body is checked once, as bytes, and handed on undecoded.
//
// It does not do TLS, CORS or compression: that is for the proxy in front of it.
package edge
