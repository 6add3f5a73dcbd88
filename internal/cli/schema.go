package cli

import (
	"fmt"

	"github.com/penstock/penstock/internal/config"
)

type schemaCommand struct{}

// Help is the example that --help shows.
func (schemaCommand) Help() string {
	return `Editors complete and check pipeline files by it.

Example:

    penstock schema > penstock.schema.json`
}

// Run prints the schema.
func (schemaCommand) Run(s *session) error {
	if _, err := s.Out.Write(config.Schema()); err != nil {
		return fmt.Errorf("write schema: %w", err)
	}
	return nil
}
