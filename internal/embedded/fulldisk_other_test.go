//go:build unix && !linux

package embedded

import "errors"

func smallDisk(string) (disk, error) { return disk{}, errors.New("only Linux mounts one for anybody") }
