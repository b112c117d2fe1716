package script

import "strings"

// asyncWith is async for a callback of another type.
func asyncWith(callback, generic, result string, params ...string) []string {
	required := len(params)
	for required > 0 && strings.Contains(params[required-1], "?:") {
		required--
	}
	types := []string{generic + "(" + strings.Join(params, ", ") + "): Promise<" + result + ">"}
	for n := len(params); n >= required; n-- {
		list := make([]string, 0, n+1)
		for _, p := range params[:n] {
			list = append(list, strings.Replace(p, "?:", ":", 1))
		}
		list = append(list, "callback: "+callback+"<"+result+">")
		types = append(types, generic+"("+strings.Join(list, ", ")+"): void")
	}
	return types
}
