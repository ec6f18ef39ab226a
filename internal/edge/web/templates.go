package web

import (
	"embed"
	"fmt"
	"html/template"
	"io"
)

//go:embed templates/*.html
var templateFiles embed.FS

// templates holds every page and component, parsed once.
type templates struct{ set *template.Template }

func loadTemplates() (*templates, error) {
	set, err := template.New("").Option("missingkey=error").ParseFS(templateFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("web: templates: %w", err)
	}
	return &templates{set: set}, nil
}

// execute draws p.
func (t *templates) execute(w io.Writer, p page) error {
	return t.set.ExecuteTemplate(w, p.template(), p)
}
