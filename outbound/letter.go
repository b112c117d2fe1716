package outbound

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/mail"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"gaff/hooks"
)

const (
	maxRecipients  = 100 // of one mail
	maxAttachments = 20
)

// letter is a mail as scripts write it.
type letter struct {
	To          any          `json:"to"` // an address, several separated by commas, or a list
	Cc          any          `json:"cc"`
	Bcc         any          `json:"bcc"`
	From        string       `json:"from"`
	ReplyTo     string       `json:"replyto"`
	SenderName  string       `json:"sendername"` // shown as whom it is from; before company
	Company     string       `json:"company"`
	Subject     string       `json:"subject"`
	HTML        string       `json:"html"`
	Text        string       `json:"text"`
	Attachments []attachment `json:"attachments"`
}

type attachment struct {
	Filename    string `json:"filename"`
	Content     string `json:"content"`
	Encoding    string `json:"encoding"` // base64, or the content is text
	ContentType string `json:"contentType"`
}

// readLetters takes one mail or a list.
func readLetters(raw json.RawMessage) ([]letter, error) {
	var letters []letter
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("[")) {
		if err := json.Unmarshal(raw, &letters); err != nil {
			return nil, hooks.Errorf(hooks.CodeBadRequest, "sendMail: a mail has to, subject, html and text, which are texts")
		}
	} else {
		letters = make([]letter, 1)
		if err := json.Unmarshal(raw, &letters[0]); err != nil {
			return nil, hooks.Errorf(hooks.CodeBadRequest, "sendMail: a mail has to, subject, html and text, which are texts")
		}
	}
	if len(letters) == 0 || len(letters) > maxMails {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "sendMail takes 1 to %d mails", maxMails)
	}
	return letters, nil
}

// message makes the mail. What could end a header and begin another is refused.
func (l *letter) message(from string) (*gomail.Msg, error) {
	for _, text := range []string{l.Subject, l.SenderName, l.Company, from, l.ReplyTo} {
		if strings.ContainsAny(text, "\r\n\x00") {
			return nil, hooks.Errorf(hooks.CodeBadRequest, "sendMail: a subject, name or address has a line break in it")
		}
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.SetDate()
	m.Subject(l.Subject)
	if err := l.address(m, from); err != nil {
		return nil, err
	}
	switch {
	case l.HTML != "" && l.Text != "":
		m.SetBodyString(gomail.TypeTextPlain, l.Text)
		m.AddAlternativeString(gomail.TypeTextHTML, l.HTML)
	case l.HTML != "":
		m.SetBodyString(gomail.TypeTextHTML, l.HTML)
	default:
		m.SetBodyString(gomail.TypeTextPlain, l.Text)
	}
	return m, l.attach(m)
}

// address says whom the mail is from and for.
func (l *letter) address(m *gomail.Msg, from string) error {
	sender, err := mail.ParseAddress(from)
	if err != nil {
		return hooks.Errorf(hooks.CodeBadRequest, "sendMail: say whom the mail is from, with from or settings.mail.from; %.80q is not an address", from)
	}
	switch {
	case l.SenderName != "":
		sender.Name = l.SenderName
	case l.Company != "":
		sender.Name = l.Company
	}
	m.FromMailAddress(sender)
	m.SetMessageIDWithValue(strings.ToLower(rand.Text()) + "@" + domain(sender.Address))
	count := 0
	for _, list := range []struct {
		name string
		of   any
		set  func(...*mail.Address)
	}{{"to", l.To, m.ToMailAddress}, {"cc", l.Cc, m.CcMailAddress}, {"bcc", l.Bcc, m.BccMailAddress}} {
		found, err := recipients(list.name, list.of)
		if err != nil {
			return err
		}
		if count += len(found); len(found) > 0 {
			list.set(found...)
		}
	}
	if count == 0 || count > maxRecipients {
		return hooks.Errorf(hooks.CodeBadRequest, "sendMail: a mail is for 1 to %d recipients", maxRecipients)
	}
	if l.ReplyTo != "" {
		if err := m.ReplyTo(l.ReplyTo); err != nil {
			return hooks.Errorf(hooks.CodeBadRequest, "sendMail: replyto %.80q is not an address", l.ReplyTo)
		}
	}
	return nil
}

// recipients reads a text with addresses, or a list of such texts.
func recipients(name string, given any) ([]*mail.Address, error) {
	var texts []string
	switch v := given.(type) {
	case nil:
	case string:
		texts = append(texts, v)
	case []any:
		for _, one := range v {
			text, _ := one.(string)
			texts = append(texts, text)
		}
	}
	var found []*mail.Address
	for _, text := range texts {
		list, err := mail.ParseAddressList(strings.ReplaceAll(text, ";", ","))
		if err != nil || strings.ContainsAny(text, "\r\n") {
			return nil, hooks.Errorf(hooks.CodeBadRequest, "sendMail: %s %.80q is not an address", name, text)
		}
		found = append(found, list...)
	}
	return found, nil
}

func (l *letter) attach(m *gomail.Msg) error {
	if len(l.Attachments) > maxAttachments {
		return hooks.Errorf(hooks.CodeBadRequest, "sendMail: a mail has at most %d attachments", maxAttachments)
	}
	for i := range l.Attachments {
		a := &l.Attachments[i]
		content := []byte(a.Content)
		if a.Encoding == "base64" {
			var err error
			if content, err = base64.StdEncoding.DecodeString(a.Content); err != nil {
				return hooks.Errorf(hooks.CodeBadRequest, "sendMail: attachment %d is not base64", i)
			}
		}
		if a.Filename == "" || strings.ContainsAny(a.Filename+a.ContentType, "\r\n\x00") {
			return hooks.Errorf(hooks.CodeBadRequest, "sendMail: attachment %d needs a filename", i)
		}
		var options []gomail.FileOption
		if a.ContentType != "" {
			options = append(options, gomail.WithFileContentType(gomail.ContentType(a.ContentType)))
		}
		if err := m.AttachReader(a.Filename, bytes.NewReader(content), options...); err != nil {
			return hooks.Errorf(hooks.CodeBadRequest, "sendMail: attachment %d cannot be read", i).Because(err)
		}
	}
	return nil
}
