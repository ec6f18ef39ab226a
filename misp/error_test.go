package misp

import (
	"encoding/json/v2"
	"strings"
	"testing"
)

// TestOwnWords holds that the reason of an error has none of the decoder's
// words, which are chosen anew in each run.
func TestOwnWords(t *testing.T) {
	t.Parallel()
	var number struct {
		A struct {
			B int8 `json:"b"`
		} `json:"a"`
	}
	inner := json.Unmarshal([]byte(`{"a":{"b":1000}}`), &number)
	if inner == nil {
		t.Fatal("1000 is read as an int8")
	}
	for _, err := range []error{inner, &json.SemanticError{JSONKind: '{', Err: inner}, &json.SemanticError{JSONPointer: "/x", Err: errNotScalar}} {
		e := semantic(err, 10, "/Event")
		rest, ok := strings.CutPrefix(e.Reason, "this value cannot be read")
		if rest != "" && rest != ": it is a number" && rest != ": it is an object" && rest != ": "+errNotScalar.Error() || !ok {
			t.Errorf("semantic(%T).Reason = %q, not in our words", err, e.Reason)
		}
	}
}
