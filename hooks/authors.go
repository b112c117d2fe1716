package hooks

import "github.com/tidwall/gjson"

// The fields in which a document says who made it and who changed it last: the e-mail address of the session, or "api".
// They are stored and can be queried; only those see them who ask for them with $metafields.
const (
	fieldCreatedBy = "_createdby"
	fieldChangedBy = "_changedby"
	anybody        = "api"
	stampFields    = 4 // that a stamped document begins with
)

// serverFields are those that only the server sets.
var serverFields = []string{fieldID, fieldVersion, fieldCreated, fieldChanged, fieldCreatedBy, fieldChangedBy}

// author is who makes the call.
func (call *CollectionCall) author() string {
	if email := gjson.GetBytes(call.Session, "email"); email.Type == gjson.String && email.Str != "" {
		return email.Str
	}
	return anybody
}

// signed is a stamped document as it is stored, with its authors behind the server's other fields.
func (d document) signed(createdBy, changedBy string) document {
	signed := make(document, 0, len(d)+2)
	signed = append(signed, d[:stampFields]...)
	signed = append(signed, documentField{fieldCreatedBy, appendString(nil, createdBy)},
		documentField{fieldChangedBy, appendString(nil, changedBy)})
	return append(signed, d[stampFields:]...)
}

// unsigned is a stored document as everybody sees it.
func (d document) unsigned() document { return d.without(fieldCreatedBy, fieldChangedBy) }

// creator is who made a stored document.
func (d document) creator() string {
	if by := gjson.ParseBytes(d.get(fieldCreatedBy)); by.Type == gjson.String {
		return by.Str
	}
	return anybody
}
