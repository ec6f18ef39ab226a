package api

import (
	"context"

	"casus/internal/core/marking"
	"casus/internal/people"
)

type digestInput struct {
	Digest string `path:"digest" maxLength:"80" doc:"sha256: and 64 hexadecimal digits"`
}

func (i *digestInput) asked() string { return i.Digest }

// Digested is digestInput by an exported name: huma reads parameters of exported
// fields.
type Digested = digestInput

type confirmInput struct {
	Digested
	Body people.Answer
}

type filesBody struct {
	Files []marking.RuleFile `json:"files"`
}

type textBody struct {
	Text string `json:"text" doc:"SHA-256 of the text, hexadecimal"`
}

// rules declares the operations about the rules of reading.
func (s *server) rules() {
	answer(s, op("GET", "/policies", "list-policies", "The rules about reading: which are in force, and those proposed"), func(ctx context.Context, _ *empty) (people.Policies, error) {
		return s.Rules.Policies(ctx)
	})
	answer(s, op("GET", "/policies/{digest}", "get-policy", "The files of rules that were proposed"), func(ctx context.Context, in *digestInput) (filesBody, error) {
		files, err := s.Rules.Policy(ctx, in.Digest)
		return filesBody{files}, err
	})
	answer(s, op("POST", "/policies/weigh", "weigh-policy", "What rules would open and close; nothing is stored"), func(ctx context.Context, in *struct{ Body filesBody }) (marking.Weighed, error) {
		return s.Rules.WeighPolicy(ctx, in.Body.Files)
	})
	answer(s, op("POST", "/policies", "propose-policy", "Propose rules; another person confirms them"), func(ctx context.Context, in *struct{ Body people.NewPolicy }) (marking.Ruleset, error) {
		return s.Rules.ProposePolicy(ctx, in.Body)
	})
	answer(s, op("POST", "/policies/{digest}/confirm", "confirm-policy", "Put rules into force that another person proposed"), func(ctx context.Context, in *confirmInput) (marking.Ruleset, error) {
		return s.Rules.ConfirmPolicy(ctx, in.Digest, in.Body)
	})
	answer(s, op("POST", "/step-up", "step-up", "A challenge to prove once more who one is, for one text"), func(ctx context.Context, in *struct{ Body textBody }) (people.Challenge, error) {
		return s.Rules.StepUp(ctx, in.Body.Text)
	})
}
