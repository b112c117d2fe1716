package script

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"time"

	"github.com/dop251/goja"
)

// bridgeNatives are what bridge.js is given beside what all libraries are.
func (m *machine) bridgeNatives() map[string]any {
	return map[string]any{
		"hostSync": m.nativeHostSync, "runScript": m.nativeRunScript, "sleep": m.nativeSleep, "log": m.nativeLog,
		"session": m.nativeSession, "about": m.nativeAbout, "zoneOffset": m.nativeZoneOffset, "signRSA": m.nativeSignRSA,
	}
}

// nativeHostSync(label, host, ...args) makes a host call, waits for its result and returns it.
func (m *machine) nativeHostSync(call goja.FunctionCall) goja.Value {
	return m.callHost(call.Argument(0).String(), call.Argument(1).String(), true, call.Arguments[2:])
}

// nativeRunScript(label, from, name, data) runs another script on this run's place.
func (m *machine) nativeRunScript(call goja.FunctionCall) goja.Value {
	return m.callHost(call.Argument(0).String(), "bridge.callScript", false, call.Arguments[1:])
}

// nativeSleep(ms) waits, at most until the run has to end.
func (m *machine) nativeSleep(call goja.FunctionCall) goja.Value {
	r := m.run
	ms := call.Argument(0).ToFloat()
	if r.compiling || !(ms > 0) {
		return goja.Undefined()
	}
	const longest = float64(time.Hour / time.Millisecond)
	alarm := time.NewTimer(time.Duration(min(ms, longest) * float64(time.Millisecond)))
	defer alarm.Stop()
	if r.call.Park != nil {
		defer r.call.Park()()
	}
	select {
	case <-alarm.C:
	case <-r.context().Done():
		m.js.Interrupt(errDeadline)
	}
	return goja.Undefined()
}

// nativeLog(level, ...values) writes into the log.
func (m *machine) nativeLog(call goja.FunctionCall) goja.Value {
	m.logAt(call.Argument(0).String(), call.Arguments[1:])
	return goja.Undefined()
}

func (m *machine) nativeSession(goja.FunctionCall) goja.Value {
	return m.value(orEmpty(m.run.call.Request.Session))
}

// nativeAbout() says what the run is about.
func (m *machine) nativeAbout(goja.FunctionCall) goja.Value {
	e := &m.run.call.Request.Event
	return m.object(map[string]any{
		"app": e.App, "origin": e.Origin, "phase": e.Phase, "release": e.Release, "script": m.run.prog.main.path,
	})
}

// nativeZoneOffset(zone) is by how many hours a time zone is ahead of UTC now.
func (m *machine) nativeZoneOffset(call goja.FunctionCall) goja.Value {
	name := call.Argument(0).String()
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		m.throw("%q is not a time zone such as Europe/Oslo", name)
	}
	_, seconds := time.Now().In(zone).Zone()
	return m.js.ToValue(float64(seconds) / 3600)
}

// nativeSignRSA(key, text) is a signature by RSA with SHA-256, in base64. The key is PEM or base64, PKCS #1 or #8.
func (m *machine) nativeSignRSA(call goja.FunctionCall) goja.Value {
	key := privateKey(call.Argument(0).String())
	if key == nil {
		m.throw("signRSASha256 takes an RSA private key, PKCS #1 or PKCS #8, as PEM or base64")
	}
	sum := sha256.Sum256([]byte(call.Argument(1).String()))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		m.throw("signRSASha256: the key cannot be used")
	}
	return m.js.ToValue(base64.StdEncoding.EncodeToString(signature))
}

func privateKey(text string) *rsa.PrivateKey {
	var der []byte
	if block, _ := pem.Decode([]byte(text)); block != nil {
		der = block.Bytes
	} else {
		der, _ = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil
	}
	private, _ := key.(*rsa.PrivateKey)
	return private
}

// callHost makes a host call, waits for its result and returns it; what the host answers with an error is thrown. While
// it waits the run gives up its place, if it parks.
func (m *machine) callHost(label, name string, parks bool, args []goja.Value) goja.Value {
	raw, err := m.hostArgs(args)
	if err != nil {
		m.throw("%s: %v", label, err)
	}
	data, err, ok := m.hostCallSync(label, name, parks, raw)
	switch {
	case !ok:
		return goja.Undefined()
	case err != nil:
		panic(m.newHostCall(label, nil).errorOf(err))
	case data == nil:
		return goja.Undefined()
	}
	return m.value(strings.TrimSpace(textOf(data)))
}
