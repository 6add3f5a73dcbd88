package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/penstock/penstock/internal/config"
)

// outfile is a file that a command writes its result to. A regular one is
// written as NAME.partial and gets its name at Keep, so that half a result is
// never taken for a whole one; what is written before an error stays in the
// partial file. Pipes and devices are written as they are.
type outfile struct {
	io.Writer
	file    *os.File // nil for a stream that somebody else owns
	name    string
	partial string // "" when written under its own name
}

func createOutfile(name string) (*outfile, error) {
	target, err := followLinks(name)
	if err != nil {
		return nil, &refusal{fmt.Errorf("create output: %w", err)}
	}
	o := &outfile{name: target, partial: target + ".partial"}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		o.partial = ""
	}
	if o.partial != "" {
		o.file, err = os.Create(o.partial)
	} else {
		o.file, err = os.OpenFile(name, os.O_WRONLY, 0)
	}
	if err != nil {
		return nil, &refusal{fmt.Errorf("create output: %w", err)}
	}
	o.Writer = o.file
	return o, nil
}

// keepInputs refuses outputs that are one of the files that the command reads, under
// whatever name, or whose partial file is. "-" among the inputs is stdin; outputs
// that are "" or "-" are none.
func (s *session) keepInputs(inputs []string, outputs ...string) error {
	for _, output := range outputs {
		if output == "" || output == "-" {
			continue
		}
		target, err := followLinks(output)
		if err != nil {
			return &refusal{fmt.Errorf("create output: %w", err)}
		}
		for _, name := range []string{target, target + ".partial"} {
			written, err := os.Stat(name)
			if err != nil || !written.Mode().IsRegular() {
				continue
			}
			for _, input := range inputs {
				if read := s.stat(input); read != nil && os.SameFile(written, read) {
					return &refusal{fmt.Errorf("%s would be overwritten by the output %s; name another file", input, output)}
				}
			}
		}
	}
	return nil
}

// stat describes an input, nil where it cannot.
func (s *session) stat(input string) os.FileInfo {
	var info os.FileInfo
	var err error
	if file, ok := s.In.(*os.File); ok && input == "-" {
		info, err = file.Stat()
	} else {
		info, err = os.Stat(input)
	}
	if err != nil {
		return nil
	}
	return info
}

// filesOf are the files that a pipeline file names, and itself.
func filesOf(f *config.File) []string {
	files := []string{f.Path, string(f.Pipeline.Model.Path), string(f.Pipeline.Model.Examples)}
	if d := f.Pipeline.Drift; d != nil {
		files = append(files, string(d.Reference.File))
	}
	return files
}

// maxLinks is how many links after one another are followed, as in Linux.
const maxLinks = 40

// followLinks is the file that name stands for, which need not be there: what a
// link points to is replaced, not the link.
func followLinks(name string) (string, error) {
	for range maxLinks {
		info, err := os.Lstat(name)
		if err != nil || info.Mode()&os.ModeSymlink == 0 {
			return name, nil // an error that matters comes back at the creation
		}
		to, err := os.Readlink(name)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(name), to)
		}
		name = to
	}
	return "", fmt.Errorf("%s: too many links", name)
}

// finish closes the file. It gets its name when err, the outcome of the
// command, is nil; otherwise the returned error also says where to find what
// there is.
func (o *outfile) finish(err error) error {
	if o == nil || o.file == nil {
		return err
	}
	if closeErr := o.file.Close(); closeErr != nil {
		err = errors.Join(err, fmt.Errorf("write %s: %w", o.name, closeErr))
	}
	switch {
	case o.partial == "":
		return err
	case err != nil:
		return fmt.Errorf("%w; what there is until then is in %s", err, o.partial)
	}
	if err := os.Rename(o.partial, o.name); err != nil {
		return fmt.Errorf("write %s: %w", o.name, err)
	}
	return nil
}

// discard closes and removes a file that nothing has been written to.
func (o *outfile) discard() error {
	if o.file == nil {
		return nil
	}
	err := o.file.Close()
	if o.partial != "" {
		err = errors.Join(err, os.Remove(o.partial))
	}
	return err
}
