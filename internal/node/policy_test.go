package node

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"casus/internal/core/alliance"
	"casus/internal/core/marking"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/internal/people"
	"casus/tlp"
)

// ruleSet returns the built-in rules and one more file.
func ruleSet(t *testing.T, text string) []marking.RuleFile {
	t.Helper()
	files, err := marking.BuiltInFiles()
	if err != nil {
		t.Fatal(err)
	}
	if text == "" {
		return files
	}
	return append(files, marking.RuleFile{Name: "ours.cedar", Text: text})
}

const (
	noGreen = `@id("quiet") @says("TLP:GREEN is closed here") forbid (principal, action == Action::"read", resource) when { resource.tlp == 3 };`
	allOpen = `@id("loose") @says("everybody reads everything") permit (principal, action == Action::"read", resource);`
)

// inSession is a context in which the person of a role asks in a session.
func inSession(t *testing.T, n *Node, r alliance.Role) context.Context {
	t.Helper()
	opened, err := n.SignIn(t.Context(), people.Credentials{Login: r.String(), Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	id, err := n.people.Session(n.cfg.Clock(), opened.Secret)
	if err != nil {
		t.Fatal(err)
	}
	return people.With(t.Context(), people.Caller{Identity: id})
}

// agree proves who asks for the statement of rules.
func agree(t *testing.T, n *Node, ctx context.Context, files []marking.RuleFile) people.Answer {
	t.Helper()
	w, err := n.WeighPolicy(ctx, files)
	if err != nil {
		t.Fatal(err)
	}
	return agreeTo(t, n, ctx, w.Statement)
}

func agreeTo(t *testing.T, n *Node, ctx context.Context, text string) people.Answer {
	t.Helper()
	sum := sha256.Sum256([]byte(text))
	c, err := n.StepUp(ctx, hex.EncodeToString(sum[:]))
	if err != nil {
		t.Fatal(err)
	}
	return people.Answer{Challenge: c.ID, Password: goodPassword}
}

func propose(t *testing.T, n *Node, ctx context.Context, files []marking.RuleFile) marking.Ruleset {
	t.Helper()
	v, err := n.ProposePolicy(ctx, people.NewPolicy{Files: files, Reason: "a reason", Answer: agree(t, n, ctx, files)})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// adopt has an administrator propose and a decision-maker confirm.
func adopt(t *testing.T, n *Node, files []marking.RuleFile) marking.Ruleset {
	t.Helper()
	v := propose(t, n, as(t, n, alliance.Administrator), files)
	second := inSession(t, n, alliance.DecisionMaker)
	v, err := n.ConfirmPolicy(second, v.Digest, agree(t, n, second, files))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestAdoptPolicy has one person propose rules and another confirm them: readers
// see by them at once, the log holds text, difference, hands and proofs, and going
// back is listed as what it opens.
func TestAdoptPolicy(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	analyst := as(t, n, alliance.Analyst)
	green := tlp.Green
	report := handIn(t, n, analyst, "green", &green).Reports[0].ID
	builtIn := n.view.Policy().Digest()
	files := ruleSet(t, noGreen)

	v := propose(t, n, as(t, n, alliance.Administrator), files)
	if v.State != marking.Proposed || v.Before != builtIn || v.Opens || len(v.Changes) == 0 || v.Proposed.Person != "administrator" {
		t.Errorf("proposed = %+v", v)
	}
	if _, err := n.Report(analyst, report); err != nil {
		t.Errorf("a proposal closes: %v", err)
	}
	second := inSession(t, n, alliance.DecisionMaker)
	v, err := n.ConfirmPolicy(second, v.Digest, agree(t, n, second, files))
	if err != nil || v.State != marking.InForce || v.Confirmed == nil || v.Confirmed.Person != "decision-maker" {
		t.Fatalf("confirmed = %+v, %v", v, err)
	}
	if _, err := n.Report(analyst, report); fault.KindOf(err) != fault.NotFound {
		t.Errorf("TLP:GREEN under the new rules: %v, want not found", err)
	}
	checkRuleEntries(t, n, v.Digest, files)

	back := adopt(t, n, ruleSet(t, ""))
	if back.Digest != builtIn || !back.Opens {
		t.Errorf("going back = %+v, want that it opens", back)
	}
	if _, err := n.Report(analyst, report); err != nil {
		t.Errorf("TLP:GREEN under the old rules again: %v", err)
	}
	all, err := n.Policies(analyst)
	if err != nil || all.InForce != builtIn || len(all.Versions) != 2 || all.Versions[0].State != marking.Replaced || all.Error != "" {
		t.Errorf("Policies = %+v, %v", all, err)
	}
	checkHands(t, n)
}

// checkHands requires that who proposed and confirmed, and why, is told to who may
// do so and to nobody else, whichever organisation he is of.
func checkHands(t *testing.T, n *Node) {
	t.Helper()
	for _, r := range alliance.Roles() {
		all, err := n.Policies(as(t, n, r))
		if err != nil {
			t.Fatal(err)
		}
		want := [3]string{}
		switch r {
		case alliance.Administrator, alliance.LegalAdviser, alliance.DecisionMaker, alliance.DataProtection:
			want = [3]string{"administrator", "decision-maker", "a reason"}
		default:
		}
		for _, v := range all.Versions {
			got := [3]string{string(v.Proposed.Person), string(v.Confirmed.Person), v.Reason}
			if got != want || v.Proposed.Role != alliance.Administrator || v.Proposed.At.IsZero() || v.Confirmed.Role != alliance.DecisionMaker {
				t.Errorf("to %s: %q, %+v, want %q and the roles", r, got, v, want)
			}
		}
	}
}

// checkRuleEntries requires that the log holds the rules word for word, and each
// hand's proof for what it agreed to.
func checkRuleEntries(t *testing.T, n *Node, digest string, files []marking.RuleFile) {
	t.Helper()
	var p event.Policy
	var step event.PolicyStep
	for st, err := range n.log.Read(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		var into any
		switch st.Header.Kind { //nolint:exhaustive // the others are of no interest
		case event.PolicyProposed:
			into = &p
		case event.PolicyAdopted:
			into = &step
		default:
			continue
		}
		raw, err := eventlog.Payload(t.Context(), n.log, st)
		if err == nil {
			err = event.Read(raw, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if p.Digest != digest || !slices.Equal(p.Files, files) || len(p.Changes) == 0 || p.By == nil || p.By.Person != "administrator" {
		t.Errorf("proposal = %+v", p)
	}
	if step.Digest != digest || step.By == nil || step.By.Person != "decision-maker" {
		t.Errorf("adoption = %+v", step)
	}
	for _, proof := range []*event.Proof{p.Proof, step.Proof} {
		if proof == nil || len(proof.Text) != sha256.Size || len(proof.Nonce) != 32 {
			t.Errorf("proof = %+v", proof)
		}
	}
}

// TestPolicyRefused tries what must not put rules into force.
func TestPolicyRefused(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	admin, legal := as(t, n, alliance.Administrator), inSession(t, n, alliance.LegalAdviser)
	files := ruleSet(t, noGreen)
	v := propose(t, n, legal, files)
	good := func(ctx context.Context) people.Answer { return agree(t, n, ctx, files) }
	proposing := func(ctx context.Context, files []marking.RuleFile, a people.Answer) error {
		_, err := n.ProposePolicy(ctx, people.NewPolicy{Files: files, Reason: "x", Answer: a})
		return err
	}
	confirming := func(ctx context.Context, a people.Answer) error {
		_, err := n.ConfirmPolicy(ctx, v.Digest, a)
		return err
	}
	wrong := good(legal)
	wrong.Password = "another long password"
	decider := inSession(t, n, alliance.DecisionMaker)
	another := agreeTo(t, n, decider, "another text")
	for name, tt := range map[string]struct {
		err  error
		want fault.Kind
		says string
	}{
		"one's own proposal":       {confirming(legal, good(legal)), fault.Denied, "fewer than 2 different persons"},
		"an administrator's hand":  {confirming(admin, good(admin)), fault.Denied, "role administrator"},
		"an analyst's hand":        {confirming(as(t, n, alliance.Analyst), people.Answer{}), fault.Denied, "role analyst"},
		"an analyst's proposal":    {proposing(as(t, n, alliance.Analyst), files, people.Answer{}), fault.Denied, "role analyst"},
		"no step-up":               {confirming(decider, people.Answer{}), fault.Denied, "no such challenge"},
		"a step-up for other text": {confirming(decider, another), fault.Denied, "not the one that was shown"},
		"another's step-up":        {confirming(decider, good(legal)), fault.Denied, "no such challenge"},
		"a wrong password":         {proposing(legal, files, wrong), fault.Denied, "password is wrong"},
		"no reason":                {second(n.ProposePolicy(legal, people.NewPolicy{Files: files})), fault.Invalid, "no reason"},
		"rules that open":          {proposing(admin, []marking.RuleFile{{Name: "ours.cedar", Text: allOpen}}, people.Answer{}), fault.Denied, "open what must stay closed"},
		"rules that are in force":  {proposing(admin, ruleSet(t, ""), people.Answer{}), fault.Conflict, "in force already"},
		"rules that would err":     {proposing(admin, ruleSet(t, strings.Replace(noGreen, "resource.tlp", "resource.colour", 1)), people.Answer{}), fault.Invalid, "ours.cedar:1"},
		"rules twice by one name":  {proposing(admin, ruleSet(t, strings.Replace(noGreen, "quiet", "tlp-red", 1)), people.Answer{}), fault.Invalid, "stands twice"},
		"rules nobody proposed":    {second(n.ConfirmPolicy(decider, "sha256:00", people.Answer{})), fault.NotFound, "not proposed"},
		"nobody's proposal":        {proposing(t.Context(), files, people.Answer{}), fault.Denied, "sign"},
	} {
		if tt.err == nil || fault.KindOf(tt.err) != tt.want || !strings.Contains(tt.err.Error(), tt.says) {
			t.Errorf("%s: %v, want %v with %q", name, tt.err, tt.want, tt.says)
		}
	}
	if got := n.view.Policy().Digest(); got == v.Digest {
		t.Error("the rules are in force")
	}
	// What was proposed in place of rules that are gone is overtaken.
	adopt(t, n, ruleSet(t, strings.ReplaceAll(noGreen, "quiet", "silent")))
	if err := confirming(decider, good(decider)); fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), marking.Overtaken) {
		t.Errorf("an overtaken proposal: %v, want Conflict", err)
	}
}

// TestContradictingRules: of rules that permit and forbid one thing the limit
// wins, whatever their order.
func TestContradictingRules(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	analyst := as(t, n, alliance.Analyst)
	clear := tlp.Clear
	id := handIn(t, n, analyst, "clear", &clear).Reports[0].ID
	adopt(t, n, ruleSet(t, `@id("also") @says("analysts read CLEAR") permit (principal, action == Action::"read", resource) when { resource.tlp == 4 && principal.role == "analyst" };
@id("never") @says("analysts read nothing") forbid (principal, action == Action::"read", resource) when { principal.role == "analyst" };`))
	if _, err := n.Report(analyst, id); fault.KindOf(err) != fault.NotFound {
		t.Errorf("permitted and forbidden: %v, want not found", err)
	}
}

// TestPolicyStays: rules in force are so after a restart, after a rebuild, and at
// no moment of a rebuild do older ones decide; a node without people adopts alone.
func TestPolicyStays(t *testing.T) {
	t.Parallel()
	c := onDisk(t)
	c.weighMost = 1
	n := fresh(t, c)
	for _, text := range []string{noGreen, strings.ReplaceAll(noGreen, "quiet", "silent")} {
		v, err := n.ProposePolicy(t.Context(), people.NewPolicy{Files: ruleSet(t, text), Reason: "x"})
		if err == nil {
			_, err = n.ConfirmPolicy(t.Context(), v.Digest, people.Answer{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	want := n.view.Policy().Digest()
	check := func(when string) {
		t.Helper()
		all, err := n.Policies(t.Context())
		if err != nil || all.InForce != want || len(all.Versions) != 2 || all.Versions[1].State != marking.InForce || all.Versions[0].State != marking.Replaced {
			t.Errorf("%s: %+v, %v, want %s in force", when, all, err, want)
		}
	}
	check("adopted")
	closeNode(t, n)
	n = reopen(t, c)
	check("after a restart")
	n.cfg.Hook = func(point string) {
		if strings.HasPrefix(point, "rebuild") && n.view.Policy().Digest() != want {
			t.Errorf("at %s other rules decide", point)
		}
	}
	if err := n.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("after a rebuild")
	closeNode(t, n)
}

// TestUnreadableRules: rules that were adopted and that this program cannot read,
// as a later version may have written them, let nobody read anything and alarm.
func TestUnreadableRules(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	analyst := as(t, n, alliance.Analyst)
	clear := tlp.Clear
	id := handIn(t, n, analyst, "clear", &clear).Reports[0].ID
	entry := func(kind event.Kind, cause event.Seq, payload any) event.Seq {
		t.Helper()
		raw, err := event.Write(payload)
		if err != nil {
			t.Fatal(err)
		}
		seq, err := n.log.Append(t.Context(), nil, []eventlog.Entry{{Kind: kind, KindVersion: 1, Cause: cause, Aggregate: rulesAggregate, Payload: raw}})
		if err != nil {
			t.Fatal(err)
		}
		return seq
	}
	seq := entry(event.PolicyProposed, 0, event.Policy{Digest: "sha256:later", Files: ruleSet(t, strings.Replace(noGreen, "resource.tlp", "resource.colour", 1))})
	entry(event.PolicyAdopted, seq, event.PolicyStep{Digest: "sha256:later"})
	if err := n.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := n.alarms.Load()
	if _, err := n.Report(analyst, id); fault.KindOf(err) != fault.NotFound {
		t.Errorf("under rules that cannot be read: %v, want not found", err)
	}
	if n.alarms.Load() == before {
		t.Error("no alarm was raised")
	}
	if all, err := n.Policies(analyst); err != nil || !strings.Contains(all.Error, "colour") {
		t.Errorf("Policies = %+v, %v, want what is wrong", all, err)
	}
	adopt(t, n, ruleSet(t, ""))
	if _, err := n.Report(analyst, id); err != nil {
		t.Errorf("after readable rules came into force: %v", err)
	}
}
