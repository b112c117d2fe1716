package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"

	"gaff/hooks"
)

// Codes of errors as scripts know them from Node.
const (
	codeBlocked     hooks.Code = "BLOCKED" // by the guard
	codeRefused     hooks.Code = "ECONNREFUSED"
	codeReset       hooks.Code = "ECONNRESET"
	codeNotFound    hooks.Code = "ENOTFOUND"
	codeNoAnswer    hooks.Code = "EAI_AGAIN" // of those who know names
	codeNoHost      hooks.Code = "EHOSTUNREACH"
	codeNoNetwork   hooks.Code = "ENETUNREACH"
	codeTimedOut    hooks.Code = "ETIMEDOUT"
	codeTLS         hooks.Code = "ETLS"
	codeBadURL      hooks.Code = "ERR_INVALID_URL"
	codeTooLarge    hooks.Code = "ETOOLARGE"
	codeProtocol    hooks.Code = "EPROTO"
	codeRedirect    hooks.Code = "EREDIRECT"
	codeCredentials hooks.Code = "EAUTH" // which a mail server did not take
)

func failure(code hooks.Code, format string, args ...any) *hooks.Error {
	e := hooks.Errorf(code, format, args...)
	e.Status = http.StatusBadGateway
	return e
}

func timedOut(message string) *hooks.Error {
	e := failure(codeTimedOut, "%s", message)
	e.Status = http.StatusGatewayTimeout
	return e
}

// explained turns an error of the network into one that a script can look into. It names the host as the script did, and
// no address behind it.
func explained(host string, err error) *hooks.Error {
	if own, ok := errors.AsType[*hooks.Error](err); ok {
		return own
	}
	var timeout interface{ Timeout() bool }
	dns, isDNS := errors.AsType[*net.DNSError](err)
	why := whyBlocked(err)
	large, isLarge := errors.AsType[tooLarge](err)
	switch {
	case isLarge:
		return failure(codeTooLarge, "%s: %v", host, large)
	case why != nil:
		return failure(codeBlocked, "%s: %v", host, why).Because(err)
	case isDNS && dns.IsNotFound:
		return failure(codeNotFound, "%s: there is no such host", host).Because(err)
	case isDNS && !dns.IsTimeout && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded):
		return failure(codeNoAnswer, "%s: its name cannot be looked up at the moment", host).Because(err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.As(err, &timeout) && timeout.Timeout():
		return timedOut(host + ": no answer in time").Because(err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return failure(codeRefused, "%s: nobody listens there", host).Because(err)
	case errors.Is(err, syscall.EHOSTUNREACH):
		return failure(codeNoHost, "%s: there is no way to it", host).Because(err)
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL):
		return failure(codeNoNetwork, "%s: there is no way to its network", host).Because(err)
	case isTLS(err):
		return failure(codeTLS, "%s: the certificate or its TLS cannot be trusted", host).Because(err)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.EPIPE):
		return failure(codeReset, "%s: the connection broke off", host).Because(err)
	case strings.Contains(err.Error(), "malformed HTTP"), strings.Contains(err.Error(), "server response headers exceeded"):
		return failure(codeProtocol, "%s: the answer is not HTTP as it should be", host).Because(err)
	}
	return failure(hooks.CodeServiceError, "%s: the call failed", host).Because(err)
}

func isTLS(err error) bool {
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, name := errors.AsType[x509.HostnameError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	_, verification := errors.AsType[*tls.CertificateVerificationError](err)
	_, header := errors.AsType[tls.RecordHeaderError](err)
	return unknown || name || invalid || verification || header || strings.Contains(err.Error(), "tls: ") || strings.Contains(err.Error(), "to HTTPS client")
}
