package filelock

import (
	"path/filepath"
	"testing"
)

func TestOneAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	for range 2 { // what is given back can be taken again
		release, err := Try(path)
		if err != nil || release == nil {
			t.Fatalf("a free lock was not to be had: %v", err)
		}
		if again, err := Try(path); again != nil || err != nil {
			t.Errorf("the lock was had twice, %v", err)
		}
		release()
	}
	if _, err := Try(filepath.Join(path, "nowhere")); err == nil {
		t.Error("a lock below a file")
	}
}
