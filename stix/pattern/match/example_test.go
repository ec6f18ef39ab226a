package match_test

import (
	"errors"
	"fmt"
	"time"

	"casus/stix/pattern/match"
)

func ExampleMatcher_Match() {
	m, err := match.Compile("[domain-name:value = 'bad.example'] FOLLOWEDBY [ipv4-addr:value ISSUBSET '192.0.2.0/24'] WITHIN 60 SECONDS")
	if err != nil {
		fmt.Println(err)
		return
	}
	begun := time.Date(2026, 11, 5, 8, 0, 0, 0, time.UTC)
	name, _ := match.Object([]byte(`{"type":"domain-name","value":"bad.example"}`), begun, nil)
	addr, _ := match.Object([]byte(`{"type":"ipv4-addr","value":"192.0.2.7"}`), begun.Add(time.Second), nil)
	fmt.Println(m.Match([]*match.Observation{addr, name}, 0))
	// Output: {true [0 1] []} <nil>
}

func ExampleMatcher_Match_budget() {
	m, _ := match.Compile("[file:name LIKE '%a%b%'] REPEATS 2 TIMES")
	o, _ := match.Object([]byte(`{"type":"file","name":"abc"}`), time.Time{}, nil)
	_, err := m.Match([]*match.Observation{o, o}, 1)
	fmt.Println(errors.Is(err, match.ErrBudget))
	// Output: true
}

func ExampleIndex() {
	x := &match.Index{}
	for id, text := range map[string]string{
		"indicator--1": "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']",
		"indicator--2": "[file:size = 0] REPEATS 2 TIMES",
		"indicator--3": "[file:name = 'a.exe']",
	} {
		m, err := match.Compile(text)
		if err != nil {
			fmt.Println(err)
			return
		}
		x.Add(id, m)
	}
	o, _ := match.Object([]byte(`{"type":"file","size":0,"hashes":{"MD5":"d41d8cd98f00b204e9800998ecf8427e"}}`), time.Time{}, nil)
	fmt.Println(x.Match(o, 0))
	// Output: [{indicator--1 true} {indicator--2 false}] <nil>
}
