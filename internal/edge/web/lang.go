package web

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// lang is a language of the pages.
type lang string

const (
	english lang = "en"
	french  lang = "fr"
)

// languageOf returns the language with an HTML language tag.
func languageOf(tag string) (lang, bool) {
	switch lang(tag) {
	case english:
		return english, true
	case french:
		return french, true
	}
	return english, false
}

// catalogue is the language's words by key.
func (l lang) catalogue() map[string]string {
	if l == french {
		return frenchWords
	}
	return englishWords
}

// lookup returns the words of key, if the catalogue has them.
func (l lang) lookup(key string) (string, bool) {
	w, ok := l.catalogue()[key]
	return w, ok
}

// words returns the words of key with {0}, {1} … replaced. A key that is not
// there is returned itself; a test finds those.
func (l lang) words(key string, args ...any) string {
	w, ok := l.lookup(key)
	if !ok {
		return key
	}
	for i, a := range args {
		w = strings.ReplaceAll(w, "{"+strconv.Itoa(i)+"}", fmt.Sprint(a))
	}
	return w
}

// count returns the form of key for n. French counts nought as one.
func (l lang) count(key string, n int) string {
	form := ".other"
	if n == 1 || l == french && n == 0 {
		form = ".one"
	}
	return l.words(key+form, l.number(n))
}

// number writes n with group marks: a comma in English, a narrow space that
// does not break in French.
func (l lang) number(n int) string {
	mark := ","
	if l == french {
		mark = "\u202f"
	}
	s := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, s = "−", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + mark + s[i:]
	}
	return sign + s
}

// size writes a number of bytes in the unit a person reads.
func (l lang) size(n int64) string {
	units := [...]string{"B", "KB", "MB", "GB", "TB"}
	if l == french {
		units = [...]string{"o", "Ko", "Mo", "Go", "To"}
	}
	v, u := float64(n), 0
	for v >= 1000 && u < len(units)-1 {
		v, u = v/1000, u+1
	}
	s := strconv.FormatFloat(v, 'f', 0, 64)
	if u > 0 && v < 10 {
		s = strconv.FormatFloat(v, 'f', 1, 64)
	}
	if l == french {
		s = strings.Replace(s, ".", ",", 1)
	}
	return s + " " + units[u]
}

func (l lang) month(m time.Month) string {
	if l == french {
		return [...]string{"janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."}[m-1]
	}
	return m.String()[:3]
}

// date writes the day of t.
func (l lang) date(t time.Time) string {
	return strconv.Itoa(t.Day()) + " " + l.month(t.Month()) + " " + strconv.Itoa(t.Year())
}

// instant writes t whole, in UTC.
func (l lang) instant(t time.Time) string { return l.date(t) + " " + t.Format("15:04Z") }

// day writes the day of t as seen from now: "today", the day and month of this
// year, or the year alone when it is long past.
func (l lang) day(t, now time.Time) string {
	switch {
	case t.Format(time.DateOnly) == now.Format(time.DateOnly):
		return l.words("today")
	case t.Year() == now.Year():
		return strconv.Itoa(t.Day()) + " " + l.month(t.Month())
	case now.Sub(t) > 2*365*24*time.Hour:
		return strconv.Itoa(t.Year())
	}
	return l.month(t.Month()) + " " + strconv.Itoa(t.Year())
}

// when writes the time of day of t when it is today, else its day.
func (l lang) when(t, now time.Time) string {
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format("15:04Z")
	}
	if t.Year() == now.Year() {
		return l.day(t, now)
	}
	return l.date(t)
}
