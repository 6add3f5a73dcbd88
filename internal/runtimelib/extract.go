package runtimelib

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// caps bound what an archive may make this process read, in bytes.
type caps struct {
	library  int64 // of the one member
	unpacked int64 // of all that is unpacked on the way to it
}

// defaultCaps: the largest library pinned has 46 MB, the largest archive
// unpacks to some 350 MB.
func defaultCaps() caps { return caps{library: 256 << 20, unpacked: 1 << 30} }

// extract takes the one member that a names out of the archive at file and
// writes it to dir under the library's own name. Nothing else in the archive
// is written anywhere, and the member's path decides nothing, so that no
// archive can reach outside dir.
func (c caps) extract(file string, a artifact, dir string) (pin, error) {
	open := c.openTarMember
	if !strings.HasSuffix(a.file.name, ".tgz") {
		open = openZipMember
	}
	member, err := open(file, a.member)
	if err != nil {
		return pin{}, fmt.Errorf("open %s in %s: %w", a.member, a.file.name, err)
	}
	defer member.Close()
	got, err := c.writeLibrary(member, filepath.Join(dir, a.library.name))
	if err != nil {
		return pin{}, fmt.Errorf("extract %s from %s: %w", a.member, a.file.name, err)
	}
	if a.library.sha256 != "" && got.sha256 != a.library.sha256 {
		return pin{}, fmt.Errorf("%s in %s has sha256 %s and not the pinned %s", a.member, a.file.name, got.sha256, a.library.sha256)
	}
	return got, nil
}

func (c caps) writeLibrary(from io.Reader, to string) (pin, error) {
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return pin{}, err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, sum), io.LimitReader(from, c.library+1))
	if err == nil && n > c.library {
		err = fmt.Errorf("it has more than %d bytes", c.library)
	}
	if err := errors.Join(err, out.Close()); err != nil {
		return pin{}, err
	}
	return pin{name: filepath.Base(to), size: n, sha256: hex.EncodeToString(sum.Sum(nil))}, nil
}

var errNoMember = errors.New("there is no such file in it")

// reader reads one member and closes what was opened to get at it.
type reader struct {
	io.Reader
	close func() error
}

func (r reader) Close() error { return r.close() }

func (c caps) openTarMember(file, member string) (io.ReadCloser, error) {
	in, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	unzipped, err := gzip.NewReader(in)
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	// The cap is on all that is unpacked on the way, the members before
	// ours among it.
	archive := tar.NewReader(io.LimitReader(unzipped, c.unpacked))
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			err = errNoMember
		}
		if err != nil {
			return nil, errors.Join(err, in.Close())
		}
		if path.Clean(header.Name) != member {
			continue // Apple's archives write ./ before their names
		}
		if header.Typeflag != tar.TypeReg {
			return nil, errors.Join(errors.New("it is not a regular file"), in.Close())
		}
		return reader{archive, in.Close}, nil
	}
}

func openZipMember(file, member string) (io.ReadCloser, error) {
	archive, err := zip.OpenReader(file)
	if err != nil {
		return nil, err
	}
	for _, f := range archive.File {
		if f.Name != member {
			continue
		}
		if !f.Mode().IsRegular() {
			return nil, errors.Join(errors.New("it is not a regular file"), archive.Close())
		}
		in, err := f.Open()
		if err != nil {
			return nil, errors.Join(err, archive.Close())
		}
		return reader{in, func() error { return errors.Join(in.Close(), archive.Close()) }}, nil
	}
	return nil, errors.Join(errNoMember, archive.Close())
}
