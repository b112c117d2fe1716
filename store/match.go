package store

import "github.com/tidwall/gjson"

func (n allOf) matches(v gjson.Result) bool {
	for _, part := range n {
		if !part.matches(v) {
			return false
		}
	}
	return true
}

func (n anyOf) matches(v gjson.Result) bool {
	for _, part := range n {
		if part.matches(v) {
			return true
		}
	}
	return false
}

func (n not) matches(v gjson.Result) bool { return !n.node.matches(v) }

func (n oneOf) matches(v gjson.Result) bool {
	missing := true
	matched := !n.path.each(v, func(found gjson.Result) bool {
		missing = false
		if n.has(found) {
			return false
		}
		hit := false
		if found.IsArray() && len(n.path) > 0 {
			found.ForEach(func(_, item gjson.Result) bool {
				hit = n.has(item)
				return !hit
			})
		}
		return !hit
	})
	return matched || missing && n.has(gjson.Result{})
}

func (n oneOf) has(v gjson.Result) bool {
	for _, wanted := range n.values {
		if equal(v, wanted) {
			return true
		}
	}
	return false
}

func (n compare) matches(v gjson.Result) bool {
	return n.path.any(v, func(found gjson.Result) bool {
		for _, t := range n.tests {
			if !t.passes(found) {
				return false
			}
		}
		return true
	})
}

func (t test) passes(v gjson.Result) bool {
	if v.Type != t.operand.Type {
		return false
	}
	c := compareScalars(v, t.operand)
	switch t.operator {
	case ">":
		return c > 0
	case ">=":
		return c >= 0
	case "<":
		return c < 0
	default:
		return c <= 0
	}
}

func (n exists) matches(v gjson.Result) bool {
	return !n.path.each(v, func(gjson.Result) bool { return false })
}

func (n like) matches(v gjson.Result) bool {
	return n.path.any(v, func(found gjson.Result) bool {
		return found.Type == gjson.String && n.regex.MatchString(found.Str)
	})
}

func (n element) matches(v gjson.Result) bool {
	return !n.path.each(v, func(found gjson.Result) bool {
		if !found.IsArray() {
			return true
		}
		hit := false
		found.ForEach(func(_, item gjson.Result) bool {
			hit = (item.IsObject() || !n.objects) && n.condition.matches(item)
			return !hit
		})
		return !hit
	})
}
