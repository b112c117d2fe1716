package script

// gaps tells of what the file uses and goja has not, with what to write instead.
func (m *module) gaps() []Problem {
	return m.misplacedIncludes()
}
