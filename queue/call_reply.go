package queue

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// callError is the answer to a call that failed.
type callError struct {
	OK        bool        `json:"ok"`
	Error     statedError `json:"error"`
	RequestID string      `json:"requestId,omitempty"`
	Release   uint64      `json:"release,omitempty"` // whose hooks decided, if any did
}

// statedError is an error with its status.
type statedError struct {
	Status int `json:"status"`
	*hooks.Error
}

// appendReply appends the answer to a call that was carried out. A result is passed on as it is.
func appendReply(dst []byte, id string, r *hooks.Reply) ([]byte, error) {
	dst = append(dst, `{"ok":true,"result":`...)
	if r.Body == nil {
		dst = append(dst, "null"...)
	}
	dst = append(dst, r.Body...)
	if id != "" {
		dst = append(dst, `,"requestId":`...)
		quoted, err := json.Marshal(id)
		if err != nil {
			return nil, err
		}
		dst = append(dst, quoted...)
	}
	dst = append(dst, `,"error":null`...)
	if r.Status != 0 && r.Status != http.StatusOK {
		dst = strconv.AppendInt(append(dst, `,"status":`...), int64(r.Status), 10)
	}
	if len(r.Warnings) > 0 {
		warnings, err := json.Marshal(r.Warnings)
		if err != nil {
			return nil, err
		}
		dst = append(append(dst, `,"warnings":`...), warnings...)
	}
	if r.Release != 0 {
		dst = strconv.AppendUint(append(dst, `,"release":`...), r.Release, 10)
	}
	return append(dst, '}'), nil
}

// failedReply is the answer to a call that failed.
func failedReply(id string, e *hooks.Error) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(&callError{Error: statedError{e.Status, e}, RequestID: id, Release: e.Release})
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), err
}

// parseReply reads an answer. The result is a slice of data.
func parseReply(data []byte) (hooks.Reply, error) {
	if !gjson.ValidBytes(data) {
		return hooks.Reply{}, unknown(hooks.Errorf(hooks.CodeHookError, "the worker's answer cannot be read"))
	}
	if !gjson.GetBytes(data, "ok").Bool() {
		r := callError{Error: statedError{Error: &hooks.Error{}}}
		if err := json.Unmarshal(data, &r); err != nil {
			return hooks.Reply{}, unknown(hooks.Errorf(hooks.CodeHookError, "the worker's answer cannot be read").Because(err))
		}
		r.Error.Error.Status, r.Error.Release = r.Error.Status, r.Release
		return hooks.Reply{}, r.Error.Error
	}
	reply := hooks.Reply{Status: http.StatusOK}
	gjson.ParseBytes(data).ForEach(func(name, value gjson.Result) bool {
		switch name.Str {
		case "result":
			reply.Body = data[value.Index : value.Index+len(value.Raw)]
		case "status":
			reply.Status = int(value.Int())
		case "release":
			reply.Release = value.Uint()
		case "warnings":
			for _, w := range value.Array() {
				reply.Warnings = append(reply.Warnings, w.Str)
			}
		}
		return true
	})
	return reply, nil
}
