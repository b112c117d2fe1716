package hooks

const maxName = 64

// ValidName reports whether s may name an app, service, operation, hook, job, method or collection:
// one to 64 of A-Z, a-z, 0-9, underscore and hyphen. Such names are safe in subjects, paths and SQL parameters.
func ValidName(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// CheckName returns a BAD_NAME error that says what kind of name is wrong, or nil.
func CheckName(kind, name string) error {
	if ValidName(name) {
		return nil
	}
	return Errorf(CodeBadName, "%s name %.80q: use 1 to %d of A-Z a-z 0-9 _ -", kind, name, maxName)
}
