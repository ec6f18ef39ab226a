// Package house holds the tests that keep the code base in shape: which package
// may import which, what the pure core may touch, that nothing here can run a
// program, that rules taken from documents name them, and the like.
//
// It has no code of its own to import. Every check is a function from the tree,
// or from something smaller, to a list of complaints, and is itself tested on a
// small piece of code that breaks the rule. What is allowed by name stands in
// plain files beside the tests:
//
//   - deps.txt: which package may use which third-party module, and the decision
//     record that says why
//   - exec.txt: third-party packages in the binary that can start programs, each
//     with the reason why it is there
//   - register.tsv: numbers and names that were given once and stay
package house
